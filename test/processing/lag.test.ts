/** Lag where the log is damaged: a command says so; metrics, which must go on, have no age for it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Fault } from '../../src/errors.ts';
import { CompactionHold } from '../../src/processing/compaction-hold.ts';
import { readLag } from '../../src/processing/lag.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { changed } from '../support/changed.ts';
import { scratch } from '../support/program.ts';
import { AT, batchOf, fault, opened } from '../support/segment-logs.ts';

suite('lag', () => {
  test('counts what has not landed, with the age of the oldest; damage is told, or has a stand-in', async (t) => {
    const dir = await scratch(t);
    const log = await opened(t, { dir: join(dir, 'log'), now: () => 1_000 });
    const state = await openLmdbStore({ dir: join(dir, 'state') });
    t.after(() => state.close());
    await log.append(batchOf(log, 'a', 'b'));
    const consumers = [{ name: 'c', topic: AT.topic }];
    const hold = await CompactionHold.take(state, { logId: log.id, consumer: 'c', partitions: [AT] });
    const [merging] = await readLag({ log, state, views: state }, consumers, 3_500);
    assert.equal(merging?.isCompacting, true);
    await hold.during(async () => undefined);
    const [row] = await readLag({ log, state, views: state }, consumers, 3_500);
    assert.deepEqual([row!.lag, row!.behindMs, row!.isCompacting], [2, 2_500, false]);

    const damaged = { log: changed(log, { read: unreadable }), state, views: state };
    await assert.rejects(readLag(damaged, consumers, 3_500), fault('LOG_ROTTEN'));
    const [still] = await readLag(damaged, consumers, 3_500, NaN);
    assert.deepEqual([still!.lag, still!.behindMs], [2, NaN]);
  });
});

async function unreadable(): Promise<never> {
  throw new Fault('LOG_ROTTEN', 'damaged on purpose');
}
