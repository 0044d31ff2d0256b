/** Replays of what landed under trouble (D9): crashes, other limits, another database, a log that has lost its beginning. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { escapeIdentifier } from 'pg';
import { Fault } from '../../src/errors.ts';
import { Checkpoint } from '../../src/processing/checkpoint.ts';
import type { ConsumerPartition } from '../../src/processing/consumer-partition.ts';
import { readCuts } from '../../src/processing/cuts.ts';
import type { CallFault } from '../../src/testing/faulty-calls.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll, loseOldest } from '../support/found-in-place.ts';
import {
  consumer,
  good,
  type Kind,
  land,
  type Life,
  type LifeOptions,
  newTableName,
  openLog,
  type Place,
  startLife,
  topic,
} from '../support/processor-lives.ts';
import { replayIn } from '../support/replay-in.ts';
import { uuidOf } from '../support/table-events.ts';
import { placesOfSuite } from '../support/places.ts';

const at = { topic, partition: 0 };

const landedBy = ({ log }: Life): ConsumerPartition => ({ logId: log.id, consumer, at });

/** Until all has landed and is replayed, or a crash. */
async function liveWithReplay(place: Place, options: LifeOptions, offset: number | undefined): Promise<void> {
  const life = await startLife(place, options);
  if (offset !== undefined) await life.replays.ask({ pipeline: consumer, from: { offset }, dryRun: false });
  const drained = life.caughtUp().then(() => life.drain());
  const crashed = life.calls.crashed.then(() => true);
  if (await Promise.race([drained.then(() => false), crashed])) await life.crash();
}

suite('replays of what landed under trouble', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  test('D6: nothing that landed before ends of batches were kept is replayed, since it could be any amount at once', async () => {
    const place = await placeOf(good(60));
    await land(place, { maxBatchBytes: 500 });
    const life = await startLife(place, { prefix: 'v2', maxBatchBytes: 500 });
    await life.caughtUp();
    await forgetCuts(life);
    await life.drain();
    const old = await replayIn(place, 'start', { prefix: 'v2', maxBatchBytes: 500 });
    assert.deepEqual(old.replayed, []);
    await assertExactlyOnce(place, 'dead-letter');
    await appendEvents(place, 40);
    await land(place, { maxBatchBytes: 500 });
    const since = await replayIn(place, 'start', { prefix: 'v2', maxBatchBytes: 500 });
    assert.equal(since.replayed[0]?.from, 60);
    assert.equal(since.replayed.at(-1)?.to, 100);
    assert.ok(since.replayed.every(({ from, to }) => to - from < 10));
  });

  test('D9: a replay of a pipeline that cannot be replayed any more stops, and takes nothing away', async () => {
    const place = await placeOf(good(12));
    await land(place);
    const changed = await replayIn(place, 'start', { prefix: 'v2', checkReplayable: refuseReplay });
    assert.deepEqual(changed.notices, [{ kind: 'replay stopped', from: 0, to: 12, reason: 'two sinks of objects' }]);
    assert.deepEqual(changed.replayed, []);
    assert.ok([...(await findAll(place)).objects.keys()].every((key) => key.startsWith('v1/')));
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('D9: a reader sees each row once at any moment of a replay', async () => {
    const place = await placeOf(good(300));
    await land(place, { maxBatchBytes: 500 });
    const life = await startLife(place, { prefix: 'v2', maxBatchBytes: 500 });
    await life.caughtUp();
    await life.replays.ask({ pipeline: consumer, from: 'start', dryRun: false });
    const seen = new Set<string>();
    let looks = 0;
    for (; (await life.replays.underWay()).length > 0; looks++) {
      const { rows } = await place.warehouse.pool.query<{ all: number; events: number }>(
        `SELECT count(*)::int AS all, count(DISTINCT message_id_stamp)::int AS events FROM ${escapeIdentifier(place.table)}`,
      );
      seen.add(`${rows[0]?.all} rows of ${rows[0]?.events} events`);
    }
    await life.drain();
    assert.ok(looks > 5, `${looks} looks`);
    assert.deepEqual([...seen], ['300 rows of 300 events']);
  });

  test('D9: a replay that stopped at what the log has lost begins where it is asked to begin again', async () => {
    const place = await placeOf(good(60), { dataBytes: 20_000 });
    await land(place, { maxBatchBytes: 50_000 });
    const refusing: LifeOptions = { onInvalid: 'halt', refuses: ({ id }) => id === 'event 0', maxBatchBytes: 50_000 };
    const stopped = await replayIn(place, 'start', refusing);
    assert.equal(stopped.notices.at(-1)?.kind, 'replay stopped');
    const begin = await loseOldest(place);
    assert.ok(begin > 0, 'the log has lost something');
    const again = await replayIn(place, 'start', { prefix: 'v2', maxBatchBytes: 50_000 });
    assert.deepEqual(again.notices, []);
    assert.ok(again.replayed[0]!.from >= begin);
    assert.equal(again.replayed.at(-1)?.to, 60);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('random crashes, limits, databases and replays before: a replay puts everything where the code of today has it (D3, D9)', async () => {
    const event = fc.tuple(
      fc.oneof(
        { weight: 5, arbitrary: fc.constant<Kind>('good') },
        { weight: 1, arbitrary: fc.constantFrom<Kind>('transform', 'row', 'jsonb', 'index', 'object key') },
      ),
      fc.constantFrom('a', 'b', 'c'),
    );
    const fault = fc.record({
      call: fc.nat(40),
      how: fc.constantFrom<CallFault['how']>('crash before', 'crash after', 'fail before', 'fail after'),
    });
    const earlier = fc.record({
      faults: fc.array(fault, { maxLength: 2 }),
      maxBatchBytes: fc.constantFrom(200, 700, 2_000),
      otherTable: fc.boolean(),
      /** Asked for at its start, and in the next life still under way where it crashes. */
      replayFrom: fc.option(fc.nat(50), { nil: undefined }),
    });
    const cases = fc.record({
      events: fc.array(event, { minLength: 5, maxLength: 50 }),
      onInvalid: fc.constantFrom('dead-letter' as const, 'drop' as const),
      partitions: fc.integer({ min: 1, max: 2 }),
      lives: fc.array(earlier, { minLength: 1, maxLength: 4 }),
      offset: fc.nat(50),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ events, partitions, lives, offset, onInvalid }) => {
        let place = await placeOf(events, { partitions });
        for (const [index, { otherTable, replayFrom, ...options }] of lives.entries()) {
          if (otherTable) place = { ...place, table: newTableName() };
          await liveWithReplay(place, { ...options, onInvalid, prefix: `v${index}` }, replayFrom);
        }
        await replayIn(place, { offset }, { prefix: 'some', maxBatchBytes: 700, onInvalid });
        await assertExactlyOnce(place, onInvalid, 'from an offset');
        await replayIn(place, 'start', { prefix: 'last', maxBatchBytes: 300, onInvalid });
        await assertExactlyOnce(place, onInvalid, 'from the start');
        const { objects } = await findAll(place);
        assert.deepEqual(
          [...objects.keys()].filter((key) => !key.startsWith('last/')),
          [],
        );
      }),
      { numRuns: 15 },
    );
  });
});

async function appendEvents(place: Place, count: number): Promise<void> {
  const log = await openLog(place);
  for (let i = 0; i < count; i++) {
    const batch = log.batch();
    const id = `later ${i}`;
    const value = Buffer.from(JSON.stringify({ ...place.events[0], id }));
    batch.add({ topic, key: 'k0', value, headers: [['correlationId', uuidOf(id)]] });
    await log.append(batch);
  }
  await log.close();
}

function refuseReplay(): void {
  throw new Fault('REPLAY_IMPOSSIBLE', 'two sinks of objects');
}

/** What a data directory is like in which no ends of batches were kept. */
async function forgetCuts(life: Life): Promise<void> {
  const { state } = life;
  const cuts: string[] = [];
  for await (const [key] of state.entries('cut/')) cuts.push(key);
  const { next } = await Checkpoint.open(state, landedBy(life));
  const put: { key: string; value: Buffer }[] = [];
  for await (const [key] of state.entries('checkpoint/'))
    put.push({ key, value: Buffer.from(JSON.stringify({ next })) });
  assert.ok(cuts.length > 0 && put.length === 1);
  await state.commit({ delete: cuts, put });
  assert.deepEqual(await readCuts(state, landedBy(life)), []);
}
