/** Checkpoints on the servers' stores: an owner that was overtaken changes nothing (D3). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { Checkpoint } from '../../src/processing/checkpoint.ts';
import { openPostgresStore } from '../../src/stores/state/postgres-store.ts';
import { openRedisStore } from '../../src/stores/state/redis-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { ownRedis } from '../support/redis-server.ts';

const at = { topic: 'events.raw', partition: 1 };
const openAll = (stores: readonly StateStore[]): Promise<readonly Checkpoint[]> =>
  Promise.all(stores.map((store) => Checkpoint.open(store, { logId: 'log', consumer: 'collect', at })));

async function isOneOwner(stores: readonly [StateStore, StateStore]): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const owners = await openAll(stores);
    const plans = { objects: [] };
    const intents = owners.map((owner) => owner.intend({ from: round, to: round + 1, deadLettersFrom: [0], plans }));
    const outcomes = await Promise.allSettled(intents);
    const stale = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    assert.equal(stale.length, 1);
    assert.ok(isFault(stale[0], 'CHECKPOINT_STALE'), String(stale[0]));
    const winner = owners[outcomes.findIndex(({ status }) => status === 'fulfilled')];
    await winner!.advance(round + 1);
    for (const { next, intent } of await openAll(stores)) assert.deepEqual([next, intent], [round + 1, undefined]);
  }
  for (const store of stores) await store.close();
}

suite('checkpoints on servers', () => {
  test('D3: of two owners on PostgreSQL one goes on, the other is told CHECKPOINT_STALE', async (t) => {
    const server = await ownPostgres();
    t.after(() => server.dispose());
    const { url } = server;
    await isOneOwner([openPostgresStore({ url }), openPostgresStore({ url })]);
  });

  test('D3: of two owners on Redis one goes on, the other is told CHECKPOINT_STALE', async (t) => {
    const server = await ownRedis();
    t.after(() => server.dispose());
    const { url } = server;
    await isOneOwner([await openRedisStore({ url }), await openRedisStore({ url })]);
  });
});
