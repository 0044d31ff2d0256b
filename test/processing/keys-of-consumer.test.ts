import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Checkpoint } from '../../src/processing/checkpoint.ts';
import { keysOfConsumer } from '../../src/processing/keys-of-consumer.ts';
import { noteOpening } from '../../src/processing/opening.ts';
import { ReplayProgress } from '../../src/processing/replay-progress.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { scratch } from '../support/program.ts';

test('what is let go of is all of the consumer, and nothing of one whose name begins with its name', async (t) => {
  const state = await openLmdbStore({ dir: join(await scratch(t), 'state'), minFreeBytes: 0 });
  t.after(() => state.close());
  const at = { topic: 'orders.raw', partition: 1 };
  const topics = async () => [{ name: at.topic, partitions: 2 }];
  for (const consumer of ['orders', 'orders/keeper']) {
    const of = { logId: 'log', consumer, at };
    const checkpoint = await Checkpoint.open(state, of);
    for (const next of [5, 10]) await checkpoint.advance(next, { bytes: 1, maxBytes: 1 });
    await (await ReplayProgress.open(state, of)).begin(0, 10);
    await noteOpening({ log: { id: 'log', topics } as never, state }, [{ name: consumer, topic: at.topic }]);
  }
  const keys = await keysOfConsumer(state, 'log', 'orders');
  assert.equal(keys?.checkpoints, 1);
  await state.commit({ delete: keys.all });
  const left: string[] = [];
  for await (const [key] of state.entries('')) left.push(key);
  assert.equal(left.length, 5, left.join('\n'));
  assert.ok(left.every((key) => key.includes('/orders/keeper/')));
  assert.equal(await keysOfConsumer(state, 'log', 'orders'), undefined);
});
