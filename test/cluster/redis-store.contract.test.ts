/** Keyed state in Redis passes what every state store has to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRedisStore } from '../../src/stores/state/redis-store.ts';
import { stateStoreContract } from '../contracts/state-store.ts';
import { ownRedis } from '../support/redis-server.ts';

stateStoreContract('redis', async () => {
  const server = await ownRedis();
  const { url } = server;
  const store = await openRedisStore({ url });
  return {
    store,
    reopen: () => openRedisStore({ url }),
    another: () => openRedisStore({ url }),
    advance: (milliseconds) => sleep(milliseconds),
    nowMs: Date.now,
    crash: async () => {
      await server.kill();
      await server.start();
    },
    close: async () => {
      await store.close();
      await server.dispose();
    },
  };
});

test('a change of more entries than the stack has room for is taken whole', async (t) => {
  const server = await ownRedis();
  t.after(() => server.dispose());
  const store = await openRedisStore({ url: server.url });
  t.after(() => store.close());
  const expect = Array.from({ length: 50_000 }, (_, index) => ({ key: `many/${index}`, value: undefined }));
  const put = [{ key: 'many/49999', value: Buffer.from('1') }];
  assert.equal(await store.commit({ expect, put }), true);
  assert.equal(await store.commit({ expect, put }), false);
});
