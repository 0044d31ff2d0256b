/** Keyed state in PostgreSQL passes what every state store has to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { openPostgresStore } from '../../src/stores/state/postgres-store.ts';
import { stateStoreContract } from '../contracts/state-store.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { untilAnswered } from '../support/until-answered.ts';

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

test('D3: what a commit expects holds when it is applied, also where transactions of the database see an older state by default', async (t) => {
  const server = await ownPostgres();
  const store = openPostgresStore({ url: server.url });
  const other = new Client({ connectionString: server.url });
  t.after(async () => {
    await other.end();
    await store.close();
    await server.dispose();
  });
  await other.connect();
  await other.query("ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'repeatable read'");
  const a = Buffer.from('a');
  assert.equal(await store.commit({ put: [{ key: 'k', value: a }] }), true);
  await other.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('tributary: tributary_state', 0))`);
  const late = store.commit({ expect: [{ key: 'k', value: a }], put: [{ key: 'l', value: a }] });
  await untilAnswered(async () => {
    const { rows } = await other.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    return rows.length > 0 || undefined;
  });
  await other.query("UPDATE tributary_state SET value = 'b' WHERE key = 'k'; COMMIT");
  assert.equal(await late, false);
  assert.equal(await store.get('l'), undefined);
});
