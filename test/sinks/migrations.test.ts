/** Migrations: each file once, whole or not at all, also where two begin together. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ClientBase } from 'pg';
import { type FaultCode, isFault } from '../../src/errors.ts';
import { applyMigrations, migrationStatuses, readMigrations } from '../../src/sinks/postgres/migrations.ts';
import { openTestEmbedded, type TestWarehouse } from '../support/postgres-server.ts';
import { scratch } from '../support/program.ts';

let opened: TestWarehouse;
before(async () => {
  opened = await openTestEmbedded();
});
after(() => opened.close());

interface Files {
  readonly url: URL;
  write(name: string, sql: string): Promise<void>;
}

async function directory(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<Files> {
  const path = await scratch(t);
  const write = (name: string, sql: string): Promise<void> => writeFile(join(path, name), sql);
  for (const [name, sql] of Object.entries(files)) await write(name, sql);
  return { url: pathToFileURL(`${path}/`), write };
}

async function onClient<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await opened.warehouse.pool.connect();
  try {
    return await work(client);
  } finally {
    client.release(true);
  }
}

async function apply(pipeline: string, { url }: Files, schemas: readonly string[] = []): Promise<readonly string[]> {
  const migrations = await readMigrations(url);
  return onClient((client) => applyMigrations(client, pipeline, migrations, schemas));
}

async function statuses(pipeline: string, { url }: Files): Promise<readonly string[]> {
  const migrations = await readMigrations(url);
  const found = await onClient((client) => migrationStatuses(client, pipeline, migrations));
  return found.map(({ name, status }) => `${name} ${status}`);
}

async function rows(text: string): Promise<readonly unknown[]> {
  return (await opened.warehouse.pool.query<object>(text)).rows;
}

const refusal = (code: FaultCode, message: RegExp) => (error: unknown) =>
  isFault(error, code) && message.test(error.message);

suite('migrations of the warehouse', () => {
  test('are applied in order, once, however many begin together', async (t) => {
    const files = await directory(t, {
      '0001_a_table.sql': 'CREATE TABLE together (n int); SELECT pg_sleep(0.2);',
      '0002_a_row.sql': 'INSERT INTO together VALUES (1); INSERT INTO together VALUES (2);',
    });
    const all = ['0001_a_table.sql', '0002_a_row.sql'];
    assert.deepEqual(await statuses('together', files), [`${all[0]} pending`, `${all[1]} pending`]);
    const applied = await Promise.all([1, 2, 3, 4].map(() => apply('together', files)));
    assert.deepEqual(applied.flat().toSorted(), all);
    assert.deepEqual(await apply('together', files), []);
    assert.deepEqual(await rows('SELECT count(*)::int AS n FROM together'), [{ n: 2 }]);
    assert.deepEqual(await statuses('together', files), [`${all[0]} applied`, `${all[1]} applied`]);
    await files.write('0003_more.sql', 'INSERT INTO together VALUES (3)');
    assert.deepEqual(await apply('together', files), ['0003_more.sql']);
  });

  test('a file that fails leaves nothing of itself, and is told with its line; those before it stay', async (t) => {
    const files = await directory(t, {
      '0001_one.sql': 'CREATE TABLE failing_one (n int)',
      '0002_two.sql': 'CREATE TABLE failing_two (n int);\n-- ü\nSELECT nothing;',
    });
    const failure = refusal('WAREHOUSE_MIGRATION_FAILED', /^0002_two\.sql of failing, line 3: .*nothing/);
    await assert.rejects(apply('failing', files), failure);
    await assert.rejects(apply('failing', files), failure);
    const there = `SELECT to_regclass('failing_one') IS NOT NULL AS one, to_regclass('failing_two') IS NOT NULL AS two`;
    assert.deepEqual(await rows(there), [{ one: true, two: false }]);
    assert.deepEqual(await statuses('failing', files), ['0001_one.sql applied', '0002_two.sql pending']);
    await files.write('0002_two.sql', 'CREATE TABLE failing_two (n int)');
    assert.deepEqual(await apply('failing', files), ['0002_two.sql']);
  });

  test('one that was applied and changed since is refused, and so is what comes before one that is applied', async (t) => {
    const files = await directory(t, { '0002_two.sql': 'CREATE TABLE changed (n int)' });
    await apply('changed', files);
    await files.write('0002_two.sql', 'CREATE TABLE changed (n bigint)');
    await files.write('0003_three.sql', 'CREATE TABLE changed_three (n bigint)');
    await assert.rejects(
      apply('changed', files),
      refusal('WAREHOUSE_MIGRATION_CHANGED', /^0002_two\.sql of changed was applied on /),
    );
    assert.deepEqual(await statuses('changed', files), ['0002_two.sql changed', '0003_three.sql pending']);
    assert.deepEqual(await rows(`SELECT to_regclass('changed_three') AS three`), [{ three: null }]);
    await files.write('0002_two.sql', 'CREATE TABLE changed (n int)');
    await files.write('0001_one.sql', 'SELECT 1');
    await assert.rejects(
      apply('changed', files),
      refusal('WAREHOUSE_MIGRATION_INVALID', /0001_one\.sql of changed comes before 0002_two\.sql/),
    );
  });

  test('one that newer code has applied is none of ours', async (t) => {
    const newer = await directory(t, { '0001_one.sql': 'SELECT 1', '0002_two.sql': 'SELECT 2' });
    await apply('newer', newer);
    const older = await directory(t, { '0001_one.sql': 'SELECT 1' });
    assert.deepEqual(await apply('newer', older), []);
    assert.deepEqual(await statuses('newer', older), ['0001_one.sql applied', '0002_two.sql not here']);
  });

  test('names are found in the schemas of the pipeline first, and what a file sets is gone behind it', async (t) => {
    await rows('CREATE SCHEMA "of the pipeline"');
    const files = await directory(t, {
      '0001_one.sql': 'CREATE TABLE in_schema (n int); SET search_path = pg_catalog;',
      '0002_two.sql': 'INSERT INTO in_schema VALUES (1)',
    });
    assert.equal((await apply('schemas', files, ['of the pipeline'])).length, 2);
    assert.deepEqual(await rows('SELECT n FROM "of the pipeline".in_schema'), [{ n: 1 }]);
  });

  test('one that ends its transaction is told', async (t) => {
    const files = await directory(t, { '0001_one.sql': 'CREATE TABLE ended (n int); COMMIT; SELECT 1;' });
    await assert.rejects(
      apply('ended', files),
      refusal('WAREHOUSE_MIGRATION_FAILED', /0001_one\.sql of ended ends the transaction/),
    );
  });

  test('files that are no migrations are refused', async (t) => {
    for (const [name, message] of [
      ['1_one.sql', /1_one\.sql is not named as/],
      ['0001_One.sql', /is not named as/],
      ['0001_one.sql~', /is not named as/],
      ['0001_another.sql', /0001_another\.sql and 0001_one\.sql have the same number/],
    ] as const) {
      const files = await directory(t, { '0001_one.sql': 'SELECT 1', [name]: 'SELECT 1' });
      await assert.rejects(readMigrations(files.url), refusal('WAREHOUSE_MIGRATION_INVALID', message));
    }
    const gone = new URL('gone/', (await directory(t)).url);
    await assert.rejects(readMigrations(gone), refusal('WAREHOUSE_MIGRATION_INVALID', /gone.* cannot be read/));
  });
});
