/** Views where things happen in the middle of other things: commits, reads, rebuilds, failures and drains beside one another. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { count, pairs, type Timestamp, view } from 'tributary';
import { Fault } from '../../src/errors.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { StateChange } from '../../src/stores/state/state-store.ts';
import { allTime } from '../../src/views/buckets.ts';
import { rebuildView, type RebuildOptions, type Rebuilt } from '../../src/views/rebuild.ts';
import { LogViewReader } from '../../src/views/view-reader.ts';
import { ViewLoop } from '../../src/views/view-loop.ts';
import { openViewState, type ViewState } from '../../src/views/view-state.ts';
import { Views, type ViewsObserver } from '../../src/views/views.ts';
import { changed } from '../support/changed.ts';
import { MapState } from '../support/map-state.ts';
import { scratch } from '../support/program.ts';
import { AT, fault, opened } from '../support/segment-logs.ts';

interface Visit {
  readonly key: string;
  readonly by: string;
  readonly time: Timestamp;
  readonly isSecond?: boolean;
}

const byKey = view({
  name: 'by-key',
  counts: ({ key, time, isSecond }: Visit) => (isSecond ? undefined : { key, time }),
  measures: {
    count: count(),
    pairs: pairs({ by: ({ by }: Visit) => by, with: ({ isSecond }: Visit) => isSecond === true, keptForDays: 30 }),
  },
});

const time = '2017-06-28T19:34:14.486693Z' as Timestamp;
const visit = (key: string): Visit => ({ key, by: 'somebody', time });
const pipeline = { name: 'visits', topic: { name: 't' }, views: [byKey] } as unknown as Pipeline;
const quiet: ViewsObserver = {
  failed: () => {},
  gone: () => {},
  skipped: () => {},
  assigned: () => {},
  unassigned: () => {},
};
const convert = async (records: readonly LogRecord[]): Promise<readonly Visit[]> =>
  records.map(({ value }) => JSON.parse(value.toString()) as Visit);
const identity = (log: Pick<Log, 'id'>) => ({ logId: log.id, pipeline: 'visits', view: 'by-key' });

async function append(log: Log, visits: readonly object[]): Promise<void> {
  const batch = log.batch();
  for (const one of visits) batch.add({ topic: 't', key: null, value: Buffer.from(JSON.stringify(one)), headers: [] });
  await log.append(batch);
}

async function startViews(t: TestContext, log: Log, store: MapState, observer: Partial<ViewsObserver> = {}) {
  const views = await Views.start({
    log,
    store,
    pipelines: [pipeline],
    convert: () => convert,
    observe: () => ({ ...quiet, ...observer }),
  });
  t.after(() => views.drain());
  return views;
}

function rebuild(log: Log, store: MapState, settings: Partial<RebuildOptions> = {}): Promise<Rebuilt> {
  const of = identity(log);
  const told = { onProgress: () => {}, onSkipped: () => {} };
  return rebuildView({ log, store, of, topic: 't', view: byKey, convert, isPartial: false, ...told, ...settings });
}

function openState(store: MapState): Promise<ViewState> {
  return openViewState({ store, of: identity({ id: 'l' }), view: byKey, partition: 0, onSkipped: () => {} });
}

const records = (length: number): LogRecord[] =>
  Array.from({ length }, (_, offset) => ({ offset, timeMs: 0, key: null, value: Buffer.alloc(0), headers: [] }));

/** Whose next commit waits until it is let go on, and may fail then. */
class HeldState extends MapState {
  #held = Promise.withResolvers<void>();
  #holds = false;
  #reached = Promise.withResolvers<void>();
  readonly asked: string[] = [];

  /** Resolves when a commit waits. */
  hold(): Promise<void> {
    this.#holds = true;
    this.#held = Promise.withResolvers();
    this.#reached = Promise.withResolvers();
    return this.#reached.promise;
  }

  letGoOn(error?: Error): void {
    if (error) this.#held.reject(error);
    else this.#held.resolve();
  }

  override async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    this.asked.push(...keys);
    return super.getAll(keys);
  }

  override async commit(change: StateChange): Promise<boolean> {
    const holds = this.#holds;
    this.#holds = false;
    this.#reached.resolve();
    if (holds) await this.#held.promise;
    return super.commit(change);
  }
}

suite('views, in the middle of things', () => {
  test('D3, D8: a commit that fails while the view is drained loses nothing', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const store = new HeldState();
    const views = await startViews(t, log, store);
    assert.deepEqual(await views.read(byKey).at('a'), { count: 0, pairs: 0 });
    const reached = store.hold();
    await append(log, [visit('a')]);
    await reached;
    await append(log, [visit('b')]);
    await views.read(byKey).at('b');
    const drained = views.drain();
    await new Promise(setImmediate);
    store.letGoOn(new Fault('STATE_UNAVAILABLE', 'it does not answer'));
    await drained;
    const again = await startViews(t, log, store);
    const both = new Map(['a', 'b'].map((key) => [key, { count: 1, pairs: 0 }]));
    assert.deepEqual(await again.read(byKey).all(), both);
  });

  test('a row that is let go of while it is read is read all the same', async () => {
    const state = await openState(new MapState());
    const visits = Array.from({ length: 12_000 }, (_, index) => ({ ...visit(`k${index}`), by: `${index}` }));
    await state.apply(records(visits.length), visits, visits.length);
    await state.commit();
    const asked = state.read([
      [allTime, 'k0'],
      [allTime, 'nobody'],
    ]);
    await state.apply([], [], visits.length);
    const found = (await asked).map((row) => row && { key: row.key, parts: row.parts });
    assert.deepEqual(found, [{ key: 'k0', parts: [['2017', [1, 0]]] }, undefined]);
  });

  test('a key that is committed while keys are asked for is among them', async () => {
    const state = await openState(new MapState());
    await state.apply(records(1), [visit('a')], 1);
    const asked = state.totals();
    await state.commit();
    assert.deepEqual(
      (await asked).map(({ key }) => key),
      ['a'],
    );
  });

  test('a row that is committed and let go of while keys are asked for has what was counted before', async () => {
    const counted = Array.from({ length: 12_000 }, (_, index) => ({ ...visit(`k${index}`), by: `${index}` }));
    let meanwhile: (() => Promise<void>) | undefined;
    class SlowEntries extends MapState {
      override async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
        const found = await Array.fromAsync(super.entries(prefix));
        await meanwhile?.();
        yield* found;
      }
    }
    const state = await openState(new SlowEntries());
    await state.apply(records(counted.length), counted, counted.length);
    await state.commit();
    await state.apply(records(counted.length), counted, 2 * counted.length);
    meanwhile = async () => {
      await state.commit();
      await state.apply([], [], 2 * counted.length);
    };
    const first = (await state.totals()).find(({ key }) => key === 'k0');
    assert.deepEqual(first?.parts, [['2017', [2, 0]]]);
  });

  test('a key that another process commits while keys are asked for is among them', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    await append(log, [visit('a')]);
    let commit: (() => Promise<void>) | undefined;
    class OtherCommits extends MapState {
      override async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
        yield* super.entries(prefix);
        await commit?.();
        commit = undefined;
      }
    }
    const store = new OtherCommits();
    const of = identity(log);
    const state = await openViewState({ store, of, view: byKey, partition: 0, onSkipped: () => {} });
    await state.apply(records(1), [visit('a')], 1);
    commit = () => state.commit();
    const reader = new LogViewReader({ log, store, of, topic: 't', view: byKey, loopOf: () => undefined });
    const all = reader.all();
    setTimeout(() => void commit?.(), 100);
    assert.deepEqual(await all, new Map([['a', { count: 1, pairs: 0 }]]));
  });

  test('D6: whoever gives up waiting for a view that does not come up leaves nothing behind', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const store = new MapState();
    const state = { store, of: identity(log), view: byKey };
    const loop = new ViewLoop(AT, { log, convert, state, observer: quiet });
    const gaveUp = async (): Promise<WeakRef<AbortSignal>> => {
      const giving = new AbortController();
      const waited = loop.whenAt(1, giving.signal);
      giving.abort(new Error('enough'));
      await assert.rejects(waited, /enough/);
      return new WeakRef(giving.signal);
    };
    const signal = await gaveUp();
    await new Promise(setImmediate);
    collectGarbage();
    assert.equal(signal.deref(), undefined);
  });

  test('a read that waits for a partition which another node takes over gets what that one commits', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const store = new MapState();
    const [stuck, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isOurs = true;
    const read: Log['read'] = async (at, from, limits) => {
      const page = await log.read(at, from, limits);
      if (page.next === from) return page;
      reached.resolve();
      await stuck.promise;
      throw new Error('the connection is gone');
    };
    const of = identity(log);
    const old = new ViewLoop(AT, {
      log: changed(log, { read }),
      convert,
      state: { store, of, view: byKey },
      observer: quiet,
    });
    old.start();
    await append(log, [visit('a')]);
    await reached.promise;
    const loopOf = (): ViewLoop | undefined => (isOurs ? old : undefined);
    const asked = new LogViewReader({ log, store, of, topic: 't', view: byKey, loopOf }).at('a');
    await new Promise(setImmediate);
    isOurs = false;
    const drained = old.drain();
    stuck.resolve();
    await drained;
    await startViews(t, log, store);
    assert.deepEqual(await asked, { count: 1, pairs: 0 });
  });

  test('D6: a read of a generation that answers no more leaves the event loop to others', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const store = new MapState();
    const held = Promise.withResolvers<void>();
    const atEnd = Promise.withResolvers<void>();
    const read: Log['read'] = async (at, from, limits) => {
      const page = await log.read(at, from, limits);
      if (page.next === from && from > 0) {
        atEnd.resolve();
        await held.promise;
      }
      return page;
    };
    const views = await startViews(t, changed(log, { read }), store);
    await append(log, [visit('a')]);
    await views.read(byKey).at('a');
    await atEnd.promise;
    await rebuild(log, store);
    const startedMs = performance.now();
    const asked = views.read(byKey).at('nobody');
    await new Promise(setImmediate);
    const turnMs = performance.now() - startedMs;
    held.resolve();
    assert.ok(turnMs < 1_000, `nothing else ran for ${turnMs} ms`);
    assert.deepEqual(await asked, { count: 0, pairs: 0 });
  });

  test('D3: an event that counts for no key is told, and stops nothing', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const skipped: number[] = [];
    const views = await startViews(t, log, new MapState(), { skipped: (_, offset) => void skipped.push(offset) });
    await append(log, [visit('a'), { ...visit('a'), key: null }, { ...visit('a'), key: 7 }, visit('a')]);
    assert.deepEqual(await views.read(byKey).at('a'), { count: 2, pairs: 0 });
    assert.deepEqual(skipped, [1, 2]);
  });

  test('views that nothing comes for go on at once after each of many rebuilds', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    const store = new MapState();
    const failures: unknown[] = [];
    const views = await startViews(t, log, store, { failed: (_, error) => void failures.push(error) });
    await append(log, [visit('a')]);
    await views.read(byKey).at('a');
    for (let i = 0; i < 5; i++) {
      await rebuild(log, store);
      assert.deepEqual(await views.read(byKey).at('nobody'), { count: 0, pairs: 0 });
    }
    assert.deepEqual(failures, []);
  });

  for (const [what, visits] of [
    ['minutes of hours', Array.from({ length: 60_000 }, (_, i) => ({ ...visit('a'), time: minuteTime(i) }))],
    ['firsts', Array.from({ length: 60_000 }, (_, i) => ({ ...visit(`${i % 100}`), by: `${Math.floor(i / 100)}` }))],
  ] as const)
    test(`D6: ${what} are let go of when they are many`, async () => {
      const store = new HeldState();
      const state = await openState(store);
      await state.apply(records(visits.length), visits, visits.length);
      await state.commit();
      await state.apply([], [], visits.length);
      store.asked.length = 0;
      await state.apply(records(1), [visits[0] as Visit], visits.length + 1);
      assert.ok(store.asked.length > 2, 'it is read from the store again');
    });

  test('D6: what is in the store is let go of also where one commit follows another, as with a store that does not keep pace', async () => {
    const store = new HeldState();
    const state = await openState(store);
    const visits = Array.from({ length: 60_000 }, (_, i) => ({ ...visit('a'), time: minuteTime(i) }));
    let committing = Promise.resolve();
    for (let from = 0; from < visits.length; from += 20_000) {
      await state.apply(records(20_000), visits.slice(from, from + 20_000), from + 20_000);
      store.letGoOn();
      await committing;
      const reached = store.hold();
      committing = state.commit();
      await reached;
    }
    store.asked.length = 0;
    await state.apply(records(1), [visits[0] as Visit], visits.length + 1);
    assert.ok(store.asked.length > 2, 'it is read from the store again');
    store.letGoOn();
    await committing;
  });

  test('what the log has let go of is told where the store was emptied', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    await append(log, [visit('a'), visit('b'), visit('c')]);
    const read: Log['read'] = async (at, from, limits) => {
      if (from >= 2) return log.read(at, from, limits);
      throw new Fault('OFFSET_OUT_OF_RANGE', `Offset ${from} is no longer kept.`);
    };
    const cut = changed(log, { read, range: async () => ({ start: 2, end: 3 }) });
    const gone: unknown[] = [];
    const views = await startViews(t, cut, new MapState(), { gone: (_, range) => void gone.push(range) });
    assert.deepEqual(await views.read(byKey).at('c'), { count: 1, pairs: 0 });
    assert.deepEqual(gone, [{ from: 0, to: 2 }]);
  });

  test('a log that lets go of records while a view is built anew: refused, or without them', async (t) => {
    const log = await opened(t, { dir: await scratch(t) });
    await append(log, [visit('a'), visit('b'), visit('c')]);
    const letsGo = (): Log => {
      let start = 0;
      const read: Log['read'] = async (at, from, limits) => {
        start = 2;
        if (from >= start) return log.read(at, from, limits);
        throw new Fault('OFFSET_OUT_OF_RANGE', `Offset ${from} is no longer kept.`);
      };
      return changed(log, { read, range: async () => ({ start, end: 3 }) });
    };
    await assert.rejects(rebuild(letsGo(), new MapState()), fault('VIEW_PARTIAL', /2 offsets/));
    assert.deepEqual(await rebuild(letsGo(), new MapState(), { isPartial: true }), { records: 1, gone: 2 });
  });
});

/** Of a minute of its own. */
function minuteTime(index: number): Timestamp {
  return new Date(Date.UTC(2017, 0, 1, 0, index)).toISOString().replace('Z', '000Z') as Timestamp;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
