/** Compaction beside a real processor: what is landing, lands again, or was interrupted is not disturbed (D3, D4, D9). */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { CompactionHold } from '../../src/processing/compaction-hold.ts';
import { compactionKey } from '../../src/processing/compaction-key.ts';
import { ReplayProgress, replayKey } from '../../src/processing/replay-progress.ts';
import { compact } from '../../src/engine/compact.ts';
import type { CompactionResult } from '../../src/sinks/objects/compaction/compact-objects.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { FaultyCalls } from '../../src/testing/faulty-calls.ts';
import { faultyState } from '../../src/testing/faulty-parts.ts';
import type { CallFault } from '../../src/testing/faulty-calls.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll } from '../support/found-in-place.ts';
import { scratch } from '../support/program.ts';
import { placesOfSuite } from '../support/places.ts';
import {
  append,
  consumer,
  type Events,
  good,
  land,
  type Life,
  type LoggedEvent,
  openLog,
  type Place,
  startLife,
  topic,
} from '../support/processor-lives.ts';
import { replayIn } from '../support/replay-in.ts';

async function compactWith({ log, state }: Pick<Life, 'log' | 'state'>, place: Place): Promise<CompactionResult> {
  const dir = join(place.dir, 'compaction');
  await mkdir(dir, { recursive: true });
  const pipeline = { name: consumer, topic: { name: topic, key: () => '' } };
  const { signal } = new AbortController();
  return compact(
    { log, state, objects: await openDirectoryStore({ dir: join(place.dir, 'objects') }) },
    { pipeline, targetBytes: 1e6, start: '', dryRun: false, onMerged: () => undefined, signal },
    { dir, putBeforeMs: Infinity },
  );
}

/** While no processor runs. */
async function compactIn(place: Place): Promise<CompactionResult> {
  const log = await openLog(place);
  const state = await openLmdbStore({ dir: join(place.dir, 'state'), minFreeBytes: 0 });
  try {
    return await compactWith({ log, state }, place);
  } finally {
    await state.close();
    await log.close();
  }
}

suite('compaction beside a processor', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  /** With nothing in its log yet. */
  const emptyPlace = (events: Events, partitions = 1): Promise<Place> => placeOf(events, { partitions, appended: 0 });

  test('D3: after a crash at any step of a batch, what that will write again is not merged away', async () => {
    const faults: readonly Pick<CallFault, 'of' | 'how'>[] = [
      { of: 'put object', how: 'crash after' },
      { of: 'commit rows', how: 'crash after' },
      { of: 'commit checkpoint', how: 'crash before' },
      { of: 'commit checkpoint', how: 'crash after' },
    ];
    for (const fault of faults) {
      for (const call of [0, 1]) {
        const place = await emptyPlace(good(15));
        await landSlowly(place, place.events.slice(0, 6));
        const life = await startLife(place, { faults: [{ ...fault, call }] });
        await append(life.log, place.events.slice(6, 10));
        await Promise.race([life.calls.crashed, life.caughtUp()]);
        await life.crash();
        const { prefixes } = await compactIn(place);
        assert.ok(prefixes.length > 0);
        await landSlowly(place, place.events.slice(10));
        await compactIn(place);
        await assertExactlyOnce(place, 'dead-letter', `${JSON.stringify(fault)} ${call}`);
      }
    }
  });

  test('D3, D4: beside a processor that lands, it merges what has landed, again and again', async () => {
    const place = await emptyPlace(good(60), 3);
    let merged = 0;
    await landSlowly(place, place.events, async (life) => {
      merged += (await compactWith(life, place)).prefixes.length;
    });
    assert.ok(merged > 3, `${merged}`);
    await compactIn(place);
    assert.deepEqual((await compactIn(place)).prefixes, []);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('D9: what was merged lands again whole, through the code of today, also killed half-way', async () => {
    const place = await emptyPlace(good(30));
    await landSlowly(place, place.events);
    const { prefixes } = await compactIn(place);
    assert.equal(prefixes.length, 3);
    await assertExactlyOnce(place, 'dead-letter', 'compacted');
    for (const prefix of ['v2', 'v3']) {
      const life = await startLife(place, { prefix, faults: [{ of: 'delete object', call: 1, how: 'crash after' }] });
      await life.caughtUp();
      await life.replays.ask({ pipeline: consumer, from: 'start', dryRun: false });
      await Promise.race([life.calls.crashed, life.caughtUp()]);
      await life.crash();
      await land(place, { prefix });
      await assertExactlyOnce(place, 'dead-letter', prefix);
      const { objects } = await findAll(place);
      assert.ok([...objects.keys()].every((key) => key.startsWith(`${prefix}/`)));
      await compactIn(place);
      await assertExactlyOnce(place, 'dead-letter', `${prefix}, compacted`);
    }
    const asked = await startLife(place);
    await asked.caughtUp();
    const at = { topic, partition: 0 };
    const hold = await CompactionHold.take(asked.state, { logId: asked.log.id, consumer, partitions: [at] });
    const whileHeld = asked.replays.ask({ pipeline: consumer, from: 'start', dryRun: false });
    await assert.rejects(whileHeld, (error) => isFault(error, 'COMPACTION_UNDER_WAY'));
    await hold.during(() => Promise.resolve());
    await asked.drain();
    const part = await replayIn(place, { offset: 20 }, { prefix: 'v4' });
    assert.deepEqual(part.failures, []);
    await assertExactlyOnce(place, 'dead-letter', 'a part');
  });

  test('D9: a replay and a compaction that begin at the same moment: one of them does', async (t) => {
    const state = await openLmdbStore({ dir: await scratch(t), minFreeBytes: 0 });
    t.after(() => state.close());
    const of = { logId: 'log', consumer, at: { topic, partition: 0 } };
    const hold = compactionKey(of.logId, consumer);
    const isHeldAfter: StateStore = {
      ...faultyState(state, new FaultyCalls([])),
      get: async (key) => {
        const before = await state.get(key);
        if (key === hold) await CompactionHold.take(state, { ...of, partitions: [of.at] });
        return before;
      },
    };
    const progress = await ReplayProgress.open(isHeldAfter, of);
    await assert.rejects(progress.begin(0, 10), (error) => isFault(error, 'CHECKPOINT_STALE'));
    assert.equal(await state.get(replayKey(of)), undefined);
  });
});

/** A few events at a time, each time as a batch or several. @param meanwhile begins when the first of a few may have landed */
async function landSlowly(
  place: Place,
  events: readonly LoggedEvent[],
  meanwhile?: (life: Life) => Promise<void>,
): Promise<void> {
  const life = await startLife(place);
  for (let i = 0; i < events.length; i += 3) {
    await append(life.log, events.slice(i, i + 3));
    await Promise.all([life.caughtUp(), meanwhile?.(life)]);
  }
  await life.drain();
  assert.deepEqual(life.failures, []);
}
