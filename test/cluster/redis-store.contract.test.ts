/** Keyed state in Redis passes what every state store has to. */
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
