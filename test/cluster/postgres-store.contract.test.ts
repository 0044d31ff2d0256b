/** Keyed state in PostgreSQL passes what every state store has to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresStore } from '../../src/stores/state/postgres-store.ts';
import { stateStoreContract } from '../contracts/state-store.ts';
import { ownPostgres } from '../support/own-postgres.ts';

stateStoreContract('postgres', async () => {
  const server = await ownPostgres();
  const { url } = server;
  const store = openPostgresStore({ url });
  return {
    store,
    reopen: async () => openPostgresStore({ url }),
    another: async () => openPostgresStore({ url }),
    advance: (milliseconds) => sleep(milliseconds),
    nowMs: Date.now,
    crash: async () => {
      await server.crash();
      await server.start();
    },
    close: async () => {
      await store.close();
      await server.dispose();
    },
  };
});
