/** A role with what `tributary warehouse grants` prints lands and replays; without any part of it, it is told which. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { isFault } from '../../src/errors.ts';
import type { TableSink } from '../../src/pipeline/pipeline.ts';
import { type GrantsOptions, grantStatements } from '../../src/sinks/postgres/grants.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { batchOf, land, newPartition } from '../contracts/sink.ts';
import { startPostgresServer, type TestServer } from '../support/postgres-server.ts';
import { sinkInto, type TableEvent, tableOf, uuidOf } from '../support/table-events.ts';

const names = { role: `in"gest; --`, database: `la'ke "1"`, schema: `Eve"nts` };
const table: TableSink<TableEvent> = tableOf('ta"ble; ');
/** The test's events are of February 2024. */
const months = { from: '2024-01', to: '2024-03' };

let server: TestServer;
before(async () => {
  server = await startPostgresServer();
});
after(() => server.stop());

/** As the superuser, in the database of the tests or the server's own. */
async function admin(statements: readonly string[], database?: string): Promise<void> {
  const url = new URL(server.url);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function urlOfRole(): string {
  const url = new URL(server.url);
  url.username = encodeURIComponent(names.role);
  url.password = 'secret';
  url.pathname = `/${encodeURIComponent(names.database)}`;
  return url.href;
}

/** A database in which nobody may anything but what the statements say. */
async function prepare(options: Partial<GrantsOptions>): Promise<readonly string[]> {
  const [role, database] = [escapeIdentifier(names.role), escapeIdentifier(names.database)];
  await admin([
    `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`,
    `DROP ROLE IF EXISTS ${role}`,
    `CREATE ROLE ${role} LOGIN PASSWORD ${escapeLiteral('secret')}`,
    `CREATE DATABASE ${database}`,
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
  ]);
  const statements = grantStatements({ ...names, tables: [table], ...options });
  const again = ['BEGIN', ...statements, 'COMMIT', 'BEGIN', ...statements, 'COMMIT'];
  await admin(['REVOKE ALL ON SCHEMA public FROM PUBLIC', ...again], names.database);
  return statements;
}

/** Opens, lands twice, lands again: all that a sink does. Each call is of a partition of its own. */
async function useAll(): Promise<void> {
  const warehouse = await openServerWarehouse({ url: urlOfRole() });
  try {
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    await partition.landAgain?.();
    await land(partition, batchOf(at, 0, 20));
    await land(partition, batchOf(at, 20, 30));
    const { events } = batchOf(at, 0, 20);
    const batch = partition.batch();
    for (const { offset, event } of events) batch.add(offset, event);
    const replaces = events.map(({ event }) => uuidOf(event.id));
    const staged = await batch.stage({ from: 0, to: 20, without: new Set(), replaces }, undefined);
    await staged.commit();
    const { rows } = await warehouse.pool.query(
      `SELECT count(*)::int AS n FROM ${escapeIdentifier(table.name)} WHERE starts_with(type, $1)`,
      [`${at.topic} `],
    );
    assert.deepEqual(rows, [{ n: 30 }]);
  } finally {
    await warehouse.close();
  }
}

interface Grant {
  readonly privilege: string;
  readonly on: string;
}

function grantsIn(statements: readonly string[]): readonly Grant[] {
  return statements.flatMap((statement) => {
    const [, privileges = '', on = ''] = /^GRANT (.*) ON (.*) TO "in""gest; --"$/.exec(statement) ?? [];
    return privileges === '' ? [] : privileges.split(', ').map((privilege) => ({ privilege, on }));
  });
}

/** Takes each away by itself. */
async function eachIsNeeded(statements: readonly string[], setUp: () => Promise<unknown>): Promise<number> {
  const all = grantsIn(statements);
  for (const { privilege, on } of all) {
    await setUp();
    const path = `SET search_path = ${escapeIdentifier(names.schema)}`;
    await admin([path, `REVOKE ${privilege} ON ${on} FROM ${escapeIdentifier(names.role)}`], names.database);
    await assert.rejects(useAll(), (error) => {
      const code = privilege === 'CONNECT' ? 'WAREHOUSE_UNAVAILABLE' : 'WAREHOUSE_DENIED';
      assert.ok(isFault(error, code), `without ${privilege} on ${on}: ${String(error)}`);
      assert.match(error.message, new RegExp(`\\b${privilege}\\b`), `without ${privilege} on ${on}`);
      return true;
    });
  }
  return all.length;
}

suite('what a role needs on a PostgreSQL server', { timeout: 120_000 }, () => {
  test('D3, D9: a role that makes its tables lands and replays; each grant is needed', async () => {
    const statements = await prepare({});
    await useAll();
    await useAll();
    assert.equal(await eachIsNeeded(statements, () => prepare({})), 3);
  });

  test('D3, D9: a role on tables that were made for it lands and replays; each grant is needed', async () => {
    const statements = await prepare({ months });
    await useAll();
    await useAll();
    assert.equal(await eachIsNeeded(statements, () => prepare({ months })), 8);
  });

  test('a month that nobody has made is named, and is landed in once it is there', async () => {
    await prepare({ months: { from: '2024-03', to: '2024-05' } });
    await assert.rejects(useAll(), (error) => {
      assert.ok(isFault(error, 'WAREHOUSE_DENIED'));
      assert.match(error.message, /ta"ble; _2024_02 is missing.* CREATE /);
      return true;
    });
    const statements = grantStatements({ ...names, tables: [table], months });
    await admin(['BEGIN', ...statements, 'COMMIT'], names.database);
    await useAll();
  });
});
