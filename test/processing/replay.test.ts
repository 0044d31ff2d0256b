/** Replays on real parts (D9): twice, or killed anywhere and begun again, gives what once gives. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { escapeIdentifier } from 'pg';
import { isFault } from '../../src/errors.ts';
import { readCuts } from '../../src/processing/cuts.ts';
import type { ReplayFrom } from '../../src/processing/replays.ts';
import type { CallFault } from '../../src/testing/faulty-calls.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll } from '../support/found-in-place.ts';
import {
  consumer,
  type Events,
  good,
  land,
  type LifeOptions,
  openLog,
  type Place,
  startLife,
  startOn,
  topic,
} from '../support/processor-lives.ts';
import { replayIn } from '../support/replay-in.ts';
import { until } from '../support/until.ts';
import { placesOfSuite } from '../support/places.ts';

/** With one of each kind that is refused. */
const mixed: Events = [
  ...good(6),
  ...(['transform', 'row', 'jsonb', 'index', 'object key'] as const).map((kind) => [kind, 'k0'] as const),
  ...good(6),
];
const start = 'start';
const refusesSome: LifeOptions['refuses'] = ({ id }) => ['event 3', 'event 8'].includes(id);

/** Asked for until that is answered, as a person would. */
async function replayWithFault(place: Place, options: LifeOptions, fault: CallFault): Promise<void> {
  const life = await startLife(place, { ...options, faults: [fault] });
  const asked = life.caughtUp().then(() => life.replays.ask({ pipeline: consumer, from: start, dryRun: false }));
  const isDone = asked.then(
    () => life.caughtUp().then(() => true),
    () => false, // it is told that it failed
  );
  // Also the drain may crash: what a call has done shows before the crash that follows it.
  const drained = isDone.then(async (is) => {
    await life.drain();
    return is;
  });
  const ended = await Promise.race([drained, life.calls.crashed.then(() => 'crashed' as const)]);
  if (ended === 'crashed') await life.crash();
  // Whether the request was answered before the crash, nobody knows who asked: they ask again.
  if (ended !== true) await replayIn(place, start, options);
}

function sorted(counts: ReadonlyMap<string, number>): readonly string[] {
  return [...counts].map(([id, count]) => `${id}: ${count}`).toSorted();
}

suite('replay', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  /** Everything has landed, by the code that `before` is. */
  async function landedPlace(events: Events, earlier: LifeOptions = {}, partitions = 1): Promise<Place> {
    const place = await placeOf(events, { partitions });
    await land(place, earlier);
    return place;
  }

  test('what has landed lands again through the code of today, in place of what that left; twice as once (D9)', async () => {
    const place = await landedPlace(mixed, { maxBatchBytes: 300 });
    for (let time = 0; time < 2; time++) {
      const life = await replayIn(place, start, { prefix: 'v2', maxBatchBytes: 300 });
      assert.equal(life.replayed.at(-1)?.to, mixed.length);
      assert.deepEqual(life.failures, []);
      await assertExactlyOnce(place, 'dead-letter', `time ${time}`);
      const { objects } = await findAll(place);
      assert.ok([...objects.keys()].every((key) => key.startsWith('v2/')));
      assert.ok((await codeOfRows(place)).every(([, by]) => by === 'v2'));
    }
  });

  test('only what is at or after the cut before the offset lands again', async () => {
    const place = await landedPlace(good(30), { maxBatchBytes: 300 });
    const life = await replayIn(place, { offset: 17 }, { prefix: 'v2', maxBatchBytes: 300 });
    const from = life.replayed[0]!.from;
    assert.ok(from > 0 && from <= 17, `from ${from}`);
    const byCode = await codeOfRows(place);
    assert.deepEqual(
      byCode.map(([, by]) => by === 'v2'),
      place.events.map((_, offset) => offset >= from),
    );
    const { objects } = await findAll(place);
    for (const key of objects.keys())
      assert.equal(key.startsWith('v2/'), Number(/-(\d+)\.json$/.exec(key)?.[1]) >= from, key);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('from a time: what the log took at or after it', async () => {
    const place = await landedPlace(good(4));
    const log = await openLog(place);
    const [record] = (await log.read({ topic, partition: 0 }, 0, { maxBytes: 1 })).records;
    await log.close();
    const nothing = await replayIn(place, { timeMs: Date.now() + 60_000 }, { prefix: 'v2' });
    assert.deepEqual(nothing.replayed, []);
    const all = await replayIn(place, { timeMs: record!.timeMs }, { prefix: 'v2' });
    assert.equal(all.replayed[0]?.from, 0);
  });

  test('what is refused today is taken out of every sink and is a dead letter, once (D2, D9)', async () => {
    const place = await landedPlace(good(12));
    for (let time = 0; time < 2; time++) await replayIn(place, start, { refuses: refusesSome });
    const { rows, lines, letters } = await findAll(place);
    for (const id of ['event 3', 'event 8']) {
      assert.equal(rows.get(id), undefined);
      assert.equal(lines.get(id), undefined);
      assert.equal(letters.get(id), 1);
    }
    assert.equal(rows.size, 10);
    assert.equal(lines.size, 10);
    // It is repaired as a letter; a replay of the pipeline leaves it alone.
    await replayIn(place, start, {});
    assert.equal((await findAll(place)).rows.size, 10);
  });

  test('a dry run, a pipeline that is not there, a partition that is not there', async () => {
    const place = await landedPlace(good(4));
    const life = await startLife(place, { prefix: 'v2' });
    const planned = await life.replays.ask({ pipeline: consumer, from: { offset: 2 }, dryRun: true });
    assert.deepEqual(planned, [{ topic, partition: 0, from: 0, to: 4, asked: 2 }]);
    assert.deepEqual(await life.replays.underWay(), []);
    for (const wrong of [{ pipeline: 'other' }, { partition: 1 }])
      await assert.rejects(life.replays.ask({ pipeline: consumer, from: start, dryRun: false, ...wrong }), (error) =>
        isFault(error, 'REQUEST_INVALID'),
      );
    await life.drain();
    assert.deepEqual(life.replayed, []);
  });

  test('wherever it is killed, the next start goes on with it (D3, D9)', async () => {
    const options: LifeOptions = { prefix: 'v2', maxBatchBytes: 1_500, refuses: ({ id }) => id === 'event 5' };
    const original = await landedPlace(mixed, { maxBatchBytes: 1_500 });
    const quiet = await startLife(original, options);
    await quiet.caughtUp();
    const callsBefore = quiet.calls.names.length;
    await quiet.replays.ask({ pipeline: consumer, from: start, dryRun: false });
    await quiet.caughtUp();
    const calls = quiet.calls.names.length;
    await quiet.drain();
    assert.ok(calls - callsBefore > 10, `${calls - callsBefore} calls`);
    for (let call = callsBefore; call < calls; call++) {
      for (const how of ['crash after', 'fail after'] as const) {
        const place = await landedPlace(mixed, { maxBatchBytes: 1_500 });
        await replayWithFault(place, options, { call, how });
        const when = `${how} call ${call}`;
        assert.ok(
          (await codeOfRows(place)).every(([, by]) => by === 'v2'),
          when,
        );
        const { rows, lines, letters, objects } = await findAll(place);
        assert.equal(rows.size, 11, when);
        assert.deepEqual(sorted(lines), sorted(rows), when);
        assert.ok(
          [...rows, ...letters].every(([, count]) => count === 1),
          when,
        );
        assert.equal(letters.size, 6, when);
        assert.ok(
          [...objects.keys()].every((key) => key.startsWith('v2/')),
          when,
        );
      }
    }
  });

  test('what is new lands meanwhile, and is not replayed', async () => {
    const place = await landedPlace(good(30), { maxBatchBytes: 300 });
    const replaying = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    let isReplaying = false;
    const life = await startLife(place, {
      prefix: 'v2',
      maxBatchBytes: 300,
      beforeConvert: async () => {
        if (isReplaying) return;
        isReplaying = true;
        replaying.resolve();
        await held.promise; // the replay's first stretch
      },
    });
    await life.replays.ask({ pipeline: consumer, from: start, dryRun: false });
    await replaying.promise;
    const batch = life.log.batch();
    const value = Buffer.from(JSON.stringify({ ...place.events[0], id: 'new' }));
    batch.add({ topic, key: 'k0', value, headers: [['correlationId', '00000000-0000-8000-8000-000000000000']] });
    await life.log.append(batch);
    await until(() => life.landed.some(({ to }) => to === 31));
    assert.equal(life.replayed.length, 0);
    held.resolve();
    await life.caughtUp();
    await life.drain();
    assert.equal(life.replayed.at(-1)?.to, 30);
    assert.equal((await codeOfRows(place)).length, 31);
  });

  test('asked for again while it is under way, it covers both', async () => {
    const place = await landedPlace(good(30), { maxBatchBytes: 300 });
    const life = await startLife(place, { prefix: 'v2', maxBatchBytes: 300 });
    await life.caughtUp();
    const ask = (from: ReplayFrom) => life.replays.ask({ pipeline: consumer, from, dryRun: false });
    await Promise.all([ask({ offset: 20 }), ask({ offset: 3 }), ask({ offset: 12 })]);
    await ask({ offset: 25 });
    await life.caughtUp();
    await life.drain();
    const byCode = await codeOfRows(place);
    assert.ok(byCode.slice(3).every(([, by]) => by === 'v2'));
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('an owner that was overtaken changes nothing (D3)', async () => {
    const place = await landedPlace(good(12));
    const replaying = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const stale = await startLife(place, {
      prefix: 'stale',
      beforeConvert: () => {
        replaying.resolve();
        return held.promise;
      },
    });
    await stale.replays.ask({ pipeline: consumer, from: start, dryRun: false });
    await replaying.promise;
    const owner = await startOn(place, stale, { prefix: 'v2' });
    await owner.caughtUp();
    held.resolve();
    await until(() => stale.calls.names.includes('stage rows'));
    await owner.drain();
    await stale.drain();
    assert.deepEqual(stale.replayed, []);
    assert.ok(!stale.calls.names.includes('put object'), 'the stale owner has written an object');
    assert.ok((await codeOfRows(place)).every(([, by]) => by === 'v2'));
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('a record that halts the pipeline stops the replay, tells where, and nothing else stands still', async () => {
    const place = await landedPlace(good(12));
    const halting: LifeOptions = { onInvalid: 'halt', refuses: ({ id }) => id === 'event 7', prefix: 'v2' };
    const life = await startLife(place, halting);
    await life.caughtUp();
    await life.replays.ask({ pipeline: consumer, from: start, dryRun: false });
    await life.caughtUp();
    const [underWay] = await life.replays.underWay();
    assert.match(underWay!.stopped!, /halted at events-0, offset 7: data: something else/);
    await life.drain(); // it is told after it can be read
    assert.deepEqual(
      life.notices.map(({ kind }) => kind),
      ['replay stopped'],
    );
    assert.equal((await findAll(place)).rows.size, 12);
    const mended = await replayIn(place, start, { prefix: 'v2' });
    assert.equal(mended.replayed.at(-1)?.to, 12);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('cuts are ends of batches, and what lies between two of them is a batch at most', async () => {
    const place = await placeOf(good(60));
    const life = await land(place, { maxBatchBytes: 1_000 });
    const reopened = await startLife(place);
    const cuts = await readCuts(reopened.state, { logId: reopened.log.id, consumer, at: { topic, partition: 0 } });
    await reopened.drain();
    const ends = [0, ...life.landed.map(({ to }) => to)];
    assert.ok(cuts.length > 3);
    assert.deepEqual(
      cuts.filter((cut) => !ends.includes(cut)),
      [],
    );
    for (const [index, cut] of [...cuts, 60].entries()) {
      const records = place.events.slice(cuts[index - 1] ?? 0, cut);
      assert.ok(records.length <= 12, `${records.length} records of at least 100 bytes`);
    }
  });
});

/** By event: which code made its row (`v2`, or the data of the event itself). */
async function codeOfRows({ table, warehouse }: Place): Promise<readonly (readonly [id: string, by: unknown])[]> {
  const { rows } = await warehouse.pool.query<{ type: string; data: unknown }>(
    `SELECT type, data FROM ${escapeIdentifier(table)}`,
  );
  return rows
    .map(({ type, data }) => [type, data] as const)
    .toSorted(([a], [b]) => Number(a.split(' ')[1]) - Number(b.split(' ')[1]));
}
