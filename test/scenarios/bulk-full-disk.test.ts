/**
 * Batches and full disks of PostgreSQL, each a small tmpfs: the batch is refused and nothing of it is in, the server lives, and the next
 * one goes in when there is room (D7).
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import {
  bulkAppModule,
  bulkClient,
  type BulkServer,
  path,
  pricesBulk,
  serveBulk,
  tables,
} from '../support/bulk-server.ts';
import { rowsOf } from '../support/landed.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../support/postgres-server.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { freeMegabytes, mib, smallDisk, whyNoSmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const row = 'AAAAA,BBBBB,2021-01-01,100\n';
/** In a table, of each row. */
const rowBytes = 48;
const rowsOfMegabytes = (megabytes: number): string => row.repeat(Math.ceil((megabytes * mib) / rowBytes));
const otherSessions = `SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;

describe('batches and full disks', { skip: whyNoSmallDisk() ?? false, timeout: 240_000 }, () => {
  let postgres: OwnPostgresServer;
  let postgresUser: number;
  before(async () => {
    postgres = await ownPostgresServer(async (dir) => {
      postgresUser = statSync(join(dir, 'data')).uid;
      return {};
    });
  });
  after(() => postgres.stop());

  /** A disk of PostgreSQL's, and what makes it the one that is used. */
  async function onSmallDisk(t: TestContext, use: string, forgo: string): Promise<void> {
    const admin = new Client({ connectionString: postgres.url });
    await admin.connect();
    const { dir, grow, remove } = await smallDisk(8, postgresUser);
    t.after(async () => {
      await until(async () => (await admin.query(otherSessions)).rowCount === 0); // they end by themselves
      for (const statement of [forgo, 'DROP TABLESPACE small', 'DROP TABLE prices, ports'])
        await admin.query(statement);
      await admin.end();
      await remove();
    });
    await admin.query(tables);
    await admin.query(`CREATE TABLESPACE small LOCATION '${dir}'`);
    await admin.query(use);
    const warehouse = await openServerWarehouse({ url: postgres.url });
    try {
      await refusedThenTaken(await serveBulk(t, warehouse, pricesBulk()), warehouse, () => grow(64));
    } finally {
      await warehouse.close();
    }
  }

  it('D7: no room where it is received', (t) =>
    onSmallDisk(t, 'ALTER ROLE tester SET temp_tablespaces = small', 'ALTER ROLE tester RESET temp_tablespaces'));

  it('D7: no room in the table', (t) =>
    onSmallDisk(t, 'ALTER TABLE prices SET TABLESPACE small', 'ALTER TABLE prices SET TABLESPACE pg_default'));

  it('D7: no room for anything, so that the embedded PostgreSQL ends itself, and comes again', async (t) => {
    const { dir, remove } = await smallDisk(320);
    t.after(remove);
    const dataDir = join(dir, 'data');
    const ballast = join(dir, 'ballast');
    const config = join(dir, 'config.json');
    await writeFile(join(dir, 'app.js'), bulkAppModule);
    await writeFile(config, JSON.stringify({ pipelines: ['app.js'], log: { minFreeBytes: 0 } }));
    const program = await startProgram({ dataDir, args: ['--config', config] });
    t.after(() => program.kill('SIGKILL'));
    const { send, status } = bulkClient(program.url, path);
    await until(async () => (await status('x')).status === 404); // the warehouse is up
    const sql = (query: string) => runProgram(['sql', '--data-dir', dataDir, query]);
    assert.equal((await sql(tables)).code, 0);
    assert.equal((await send(row)).status, 201);

    await writeFile(ballast, Buffer.alloc(Math.floor(freeMegabytes(dir) - 24) * mib));
    const refused = await send(rowsOfMegabytes(40));
    assert.equal(refused.status, 503, JSON.stringify(refused.answer));
    await writeFile(join(dir, 'rest'), Buffer.alloc(Math.max(0, Math.floor(freeMegabytes(dir) * mib) - 4096)));
    const newSegment = `SELECT pg_logical_emit_message(false, 'test', 'x', true), pg_switch_wal()`;
    await until(async () => {
      await sql(newSegment); // fails at last
      return /PANIC: .*No space left/.test(program.log());
    });
    const away = await send(row.repeat(1_000));
    assert.equal(away.status, 503, JSON.stringify(away.answer));

    await rm(ballast);
    await rm(join(dir, 'rest'));
    await until(async () => (await send(row.repeat(1_000))).status === 201);
    assert.deepEqual(await rowsOf(dataDir, 'SELECT count(*)::int AS n FROM prices'), [{ n: 1_001 }]);
    assert.equal((await status(refused.answer.batch_id)).answer.state, 'rejected');
    assert.equal(await program.kill('SIGTERM'), 0);
  });
});

async function refusedThenTaken(
  { send, statusOfKey }: BulkServer,
  { pool }: Warehouse,
  makeRoom: () => void,
): Promise<void> {
  const key = randomUUID();
  const count = async (): Promise<unknown> => (await pool.query('SELECT FROM prices')).rowCount;
  const headers = { 'content-type': 'text/csv', 'idempotency-key': key };
  const full = await send(rowsOfMegabytes(16), headers);
  assert.deepEqual([full.status, full.answer.error], [503, 'WAREHOUSE_FULL'], JSON.stringify(full.answer));
  assert.match(full.answer.message ?? '', /^PostgreSQL has no room for the batch: .*No space left/);
  assert.ok(Number(full.headers['retry-after']) > 0);
  assert.equal(await count(), 0);
  const { answer } = await statusOfKey(key);
  assert.deepEqual([answer.state, answer.errors?.[0]?.reason], ['rejected', full.answer.message]);
  makeRoom(); // what was rolled back takes its place until a vacuum
  const next = await send(row.repeat(1_000), headers);
  assert.equal(next.status, 201, JSON.stringify(next.answer));
  assert.equal(await count(), 1_000);
}
