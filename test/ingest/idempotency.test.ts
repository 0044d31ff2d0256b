/** A package sent again under the same key is stored once and gets the first answer (D5). */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Fault, isFault } from '../../src/errors.ts';
import type { Answer } from '../../src/ingest/answer.ts';
import { Idempotency } from '../../src/ingest/idempotency.ts';
import { idempotencyTopic } from '../../src/ingest/key-view.ts';
import type { Log } from '../../src/log/log.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { changed } from '../support/changed.ts';
import { MapState } from '../support/map-state.ts';
import { openLogIn, openStateIn } from '../support/ingest-parts.ts';
import { scratch } from '../support/program.ts';

const patient = (): AbortSignal => new AbortController().signal;
const answerOf = (packageId: string): Answer => ({ packageId, accepted: 1, rejected: 0, errors: [] });
const notAgain = (): Promise<Answer> => Promise.reject(new Error('stored again'));

interface Opened {
  readonly log: Log;
  readonly state: StateStore;
  readonly idempotency: Idempotency;
  readonly errors: unknown[];
  /** Stores a package as ingest does: the event and the key in one batch. */
  store(key: string, packageId: string): Promise<Answer>;
  close(): Promise<void>;
}

async function open(dir: string, change: (state: StateStore) => StateStore = (state) => state): Promise<Opened> {
  const log = await openLogIn(dir);
  const state = await openStateIn(dir);
  const errors: unknown[] = [];
  const idempotency = await Idempotency.open({ log, views: change(state), onError: (error) => errors.push(error) });
  return {
    log,
    state,
    idempotency,
    errors,
    store: async (key, packageId) => {
      const batch = log.batch();
      batch.add({ topic: 'events.raw', key: 'a', value: Buffer.from(packageId), headers: [] });
      idempotency.remember(batch, key, answerOf(packageId));
      await log.append(batch);
      return answerOf(packageId);
    },
    close: async () => {
      await idempotency.close();
      await log.close();
      await state.close();
    },
  };
}

/** Resolves when the view has come to the end of the log. */
async function inView({ log, idempotency }: Opened): Promise<void> {
  const { end } = await log.range({ topic: idempotencyTopic.name, partition: 0 });
  while (idempotency.progress().offset < end) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** The view does not follow by itself, however long it waits. */
function withoutNews(log: Log): Log {
  return changed(log, {
    waitPast: (_at, _offset, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  });
}

suite('idempotency', () => {
  test('D5: answers from memory, from the view, and after it was opened again', async (t) => {
    const dir = await scratch(t);
    const first = await open(dir);
    await first.idempotency.once('k', patient(), () => first.store('k', 'one'));
    assert.deepEqual(await first.idempotency.once('k', patient(), notAgain), answerOf('one'));
    await inView(first);
    assert.deepEqual(await first.idempotency.once('k', patient(), notAgain), answerOf('one'));
    assert.deepEqual(
      await first.idempotency.once('other', patient(), () => first.store('other', 'two')),
      answerOf('two'),
    );
    await first.close();
    const second = await open(dir);
    assert.deepEqual(await second.idempotency.once('k', patient(), notAgain), answerOf('one'));
    assert.deepEqual(await second.idempotency.once('other', patient(), notAgain), answerOf('two'));
    await second.close();
  });

  test('D5: of many at once one is stored, and all get its answer', async (t) => {
    const opened = await open(await scratch(t));
    t.after(() => opened.close());
    let stored = 0;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        opened.idempotency.once('k', patient(), () => {
          stored += 1;
          return opened.store('k', `package ${i}`);
        }),
      ),
    );
    assert.equal(stored, 1);
    assert.deepEqual(
      answers,
      answers.map(() => answerOf('package 0')),
    );
  });

  test('D5: where it was in doubt whether the first was stored, the log tells before another is', async (t) => {
    const dir = await scratch(t);
    const log = await openLogIn(dir);
    const state = await openStateIn(dir);
    const idempotency = await Idempotency.open({
      log: withoutNews(log),
      views: state,
      onError: (error) => assert.fail(String(error)),
    });
    t.after(async () => {
      await idempotency.close();
      await log.close();
      await state.close();
    });
    const storedAndFailed = async (): Promise<Answer> => {
      const batch = log.batch();
      idempotency.remember(batch, 'k', answerOf('one'));
      await log.append(batch);
      throw new Fault('LOG_FAILED', 'no answer came');
    };
    await assert.rejects(idempotency.once('k', patient(), storedAndFailed), (error) => isFault(error, 'LOG_FAILED'));
    assert.deepEqual(await idempotency.once('k', patient(), notAgain), answerOf('one'));
  });

  test('D5: where the first fails, the next one stores', async (t) => {
    const opened = await open(await scratch(t));
    t.after(() => opened.close());
    const failing = Promise.withResolvers<Answer>();
    const first = opened.idempotency.once('k', patient(), () => failing.promise);
    const others = ['a', 'b'].map((id) => opened.idempotency.once('k', patient(), () => opened.store('k', id)));
    failing.reject(new Error('no room'));
    await assert.rejects(first, /no room/);
    assert.deepEqual(await Promise.all(others), [answerOf('a'), answerOf('a')]);
  });

  test('D6: who waits for another longer than its patience gets BUSY', async (t) => {
    const opened = await open(await scratch(t));
    t.after(() => opened.close());
    const slow = Promise.withResolvers<Answer>();
    const first = opened.idempotency.once('k', patient(), () => slow.promise);
    const impatient = new AbortController();
    const second = opened.idempotency.once('k', impatient.signal, notAgain);
    impatient.abort();
    await assert.rejects(second, (error) => isFault(error, 'BUSY'));
    slow.resolve(await opened.store('k', 'one'));
    assert.deepEqual(await first, answerOf('one'));
  });

  test('D5: a crash between log and view loses no key', async (t) => {
    const dir = await scratch(t);
    const stuck = await open(dir, (state) => changed(state, { commit: () => new Promise(() => undefined) }));
    for (const key of ['k', 'l']) await stuck.idempotency.once(key, patient(), () => stuck.store(key, key));
    assert.equal(await stuck.state.get(`idempotency/${stuck.log.id}/position`), undefined);
    await stuck.log.close();
    await stuck.state.close();
    const opened = await open(dir);
    for (const key of ['k', 'l'])
      assert.deepEqual(await opened.idempotency.once(key, patient(), notAgain), answerOf(key));
    await opened.close();
  });

  test('a view that cannot be written is told, tried again, and answers meanwhile', async (t) => {
    const failed = Promise.withResolvers<void>();
    let isFull = true;
    const opened = await open(await scratch(t), (state) =>
      changed(state, {
        commit: (change) => {
          if (!isFull) return state.commit(change);
          failed.resolve();
          return Promise.reject(new Error('no space'));
        },
      }),
    );
    t.after(() => opened.close());
    await opened.idempotency.once('k', patient(), () => opened.store('k', 'one'));
    await failed.promise;
    assert.deepEqual(await opened.idempotency.once('k', patient(), notAgain), answerOf('one'));
    isFull = false;
    await inView(opened);
    assert.match(String(opened.errors[0]), /no space/);
    assert.deepEqual(await opened.idempotency.once('k', patient(), notAgain), answerOf('one'));
  });

  test('D6: of packages whose keys the view does not take no more than so many are held, then others are refused', async (t) => {
    const opened = await open(await scratch(t), () => new MapState());
    t.after(() => opened.close());
    const { idempotency } = opened;
    const signal = patient();
    for (let i = 0; i < 50_000; i++) await idempotency.once(`k${i}`, signal, async () => answerOf('in no view'));
    await assert.rejects(idempotency.once('another', signal, notAgain), (error) => isFault(error, 'BUSY'));
    assert.deepEqual(await idempotency.once('k0', signal, notAgain), answerOf('in no view'));
  });

  test('D5: a view that has gone back, or has lost everything, is brought up to date before it is believed', async (t) => {
    const views = new MapState();
    const opened = await open(await scratch(t), () => views);
    t.after(() => opened.close());
    const states = [views.kept];
    for (const key of ['a', 'b', 'c', 'd']) {
      await opened.idempotency.once(key, patient(), () => opened.store(key, key));
      await inView(opened);
      states.push(views.kept);
    }
    for (const state of states) {
      for (const key of ['d', 'c', 'b', 'a']) {
        views.goBack(state);
        assert.deepEqual(await opened.idempotency.once(key, patient(), notAgain), answerOf(key));
      }
    }
  });

  test('D5: two processes that keep one view pass each other, and neither takes it back', async (t) => {
    const views = new MapState();
    const first = await open(await scratch(t), () => views);
    const { log } = first;
    const second = await Idempotency.open({ log, views, onError: (error) => assert.fail(String(error)) });
    t.after(() => second.close().then(() => first.close()));
    for (let i = 0; i < 30; i++) {
      const key = `k${i}`;
      await first.idempotency.once(key, patient(), () => first.store(key, key));
      if (i % 3 === 0) await inView({ ...first, idempotency: second });
    }
    await inView(first);
    await inView({ ...first, idempotency: second });
    const { end } = await log.range({ topic: idempotencyTopic.name, partition: 0 });
    assert.equal(String(views.kept.get(`idempotency/${log.id}/position`)), String(end));
    assert.deepEqual(first.errors, []);
    for (let i = 0; i < 30; i++) assert.deepEqual(await second.once(`k${i}`, patient(), notAgain), answerOf(`k${i}`));
  });

  test('D5: whether a package is void is told when the view has all that was written by then, not before', async (t) => {
    const opened = await open(await scratch(t));
    const { log, state } = opened;
    await opened.store('k', 'one');
    await inView(opened);
    const { end } = await log.range({ topic: idempotencyTopic.name, partition: 0 });
    // the next record is written, and not shown yet
    const shared = changed(log, { writtenEnd: async () => end + 1 });
    const another = await Idempotency.open({
      log: shared,
      views: state,
      onError: (error) => assert.fail(String(error)),
    });
    t.after(() => another.close().then(() => opened.close()));
    let isTold = false;
    const told = another.voidAmong(['one', 'two']).finally(() => (isTold = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(isTold, false);
    await opened.store('k', 'two');
    assert.deepEqual(await told, new Set(['two']));
  });

  test('D1: a node whose clock is ahead does not acknowledge a package that is void by the time of the log', async (t) => {
    const opened = await open(await scratch(t));
    const { log, state } = opened;
    const { end } = await log.range({ topic: idempotencyTopic.name, partition: 0 });
    await opened.store('k', 'one');
    await inView(opened);
    const shared: Log = {
      ...withoutNews(log),
      waitPast: (at, offset, signal) => log.waitPast(at, offset, signal),
      writtenEnd: async () => end,
    };
    const ahead = await Idempotency.open({
      log: shared,
      views: state,
      now: () => Date.now() + 25 * 60 * 60 * 1000,
      onError: (error) => assert.fail(String(error)),
    });
    t.after(() => ahead.close().then(() => opened.close()));
    const answer = await ahead.once('k', patient(), () => opened.store('k', 'two'));
    await inView({ ...opened, idempotency: ahead });
    assert.deepEqual(await ahead.voidAmong(['one', 'two']), new Set(['two']));
    assert.deepEqual(answer, answerOf('one'));
  });

  test('while the view cannot be asked a package with a key is refused, and taken when it can', async (t) => {
    const views = new MapState();
    let isAway = true;
    const away = async (): Promise<void> => {
      if (isAway) throw new Fault('STATE_UNAVAILABLE', 'away');
    };
    const opened = await open(await scratch(t), () =>
      changed<StateStore>(views, {
        get: (key) => away().then(() => views.get(key)),
        getAll: (keys) => away().then(() => views.getAll(keys)),
        commit: (change) => away().then(() => views.commit(change)),
      }),
    );
    t.after(() => opened.close());
    const send = (): Promise<Answer> => opened.idempotency.once('k', patient(), () => opened.store('k', 'one'));
    await assert.rejects(send(), (error) => isFault(error, 'STATE_UNAVAILABLE'));
    isAway = false;
    assert.deepEqual(await send(), answerOf('one'));
  });

  test('D1: another log does not answer for what it has not stored', async (t) => {
    const dir = await scratch(t);
    const first = await open(dir);
    await first.idempotency.once('k', patient(), () => first.store('k', 'one'));
    await inView(first);
    await first.close();
    await rm(join(dir, 'log'), { recursive: true });
    const second = await open(dir);
    t.after(() => second.close());
    assert.deepEqual(await second.idempotency.once('k', patient(), () => second.store('k', 'two')), answerOf('two'));
  });
});
