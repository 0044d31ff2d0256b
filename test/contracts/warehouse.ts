/** What every warehouse promises: `src/stores/warehouse/warehouse.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { TestWarehouse } from '../support/postgres-server.ts';

export function warehouseContract(driver: string, open: () => Promise<TestWarehouse>): void {
  describe(`warehouse: ${driver}`, () => {
    let opened: TestWarehouse;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    it('is a PostgreSQL that writes what it commits to disk', async () => {
      const { pool } = opened.warehouse;
      for (const name of ['fsync', 'synchronous_commit', 'full_page_writes'])
        assert.equal(
          (await pool.query<{ s: string }>(`SELECT current_setting('${name}') AS s`)).rows[0]?.s,
          'on',
          name,
        );
      assert.equal((await pool.query<{ s: string }>(`SHOW server_encoding`)).rows.length, 1);
    });

    it('can be reached with its URL', async () => {
      const client = new Client({ connectionString: opened.warehouse.url });
      await client.connect();
      assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
      await client.end();
    });

    it('survives connections that die, idle and lent, and makes new ones', async () => {
      const { pool } = opened.warehouse;
      const lent = await pool.connect();
      const busy = await pool.connect();
      const idle = await pool.connect();
      const idleGone = new Promise((resolve) => idle.once('end', resolve));
      idle.release();
      const running = assert.rejects(busy.query('SELECT pg_sleep(60)'));
      const gone = new Promise((resolve) => lent.once('end', resolve));
      await lent.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'tributary'`,
      );
      await running;
      busy.release(true);
      await lent.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
      await Promise.all([gone, idleGone]);
      await assert.rejects(lent.query('SELECT 1'));
      lent.release(true);
      assert.deepEqual((await pool.query('SELECT 2 AS two')).rows, [{ two: 2 }]);
    });
  });
}
