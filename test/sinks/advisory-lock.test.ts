/** What one process at a time does in a database. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockText, underLock } from '../../src/sinks/postgres/advisory-lock.ts';
import { openTestEmbedded } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

test('D3: who has waited for the lock sees what the one before has committed, also where repeatable read is the default', async (t) => {
  const opened = await openTestEmbedded();
  t.after(() => opened.close());
  const { pool } = opened.warehouse;
  await pool.query('CREATE TABLE made (name text)');
  const [first, second] = [await pool.connect(), await pool.connect()];
  try {
    await first.query(`BEGIN; ${lockText('made')}; INSERT INTO made VALUES ('by the first')`);
    await second.query("SET default_transaction_isolation = 'repeatable read'");
    const seen = underLock(second, 'made', async () => (await second.query('SELECT name FROM made')).rows);
    const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    await until(async () => (await pool.query(waits)).rowCount === 1);
    await first.query('COMMIT');
    assert.deepEqual(await seen, [{ name: 'by the first' }]);
  } finally {
    first.release(true);
    second.release(true);
  }
});
