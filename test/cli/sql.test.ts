import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reachWarehouse } from '../../src/cli/sql/reach-warehouse.ts';
import { loadConfig } from '../../src/config/config.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { scratch } from '../support/program.ts';
import { cli } from './run-cli.ts';

suite('tributary sql', () => {
  let dataDir: string;
  let warehouse: Warehouse;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-sql-'));
    warehouse = await openEmbeddedWarehouse({ dir: join(dataDir, 'postgres'), log: () => undefined });
  });
  after(async () => {
    await warehouse.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const sql = (...args: readonly string[]) => cli(['sql', '--data-dir', dataDir, ...args]);

  test('prints aligned columns, NULL, and how many rows, beside a running server', async () => {
    const ran = await sql("SELECT * FROM (VALUES (1, 'a', NULL), (200, E'two\\nlines', '')) t (n, text, \"no\")");
    assert.deepEqual(ran, {
      code: 0,
      signal: null,
      stdout: '  n  text        no\n  1  a           NULL\n200  two\\nlines\n(2 rows)\n',
      stderr: '',
    });
  });

  test('runs several statements, and says what those without rows did', async () => {
    const ran = await sql('CREATE TEMP TABLE t (n int); INSERT INTO t VALUES (1), (2); SELECT sum(n) FROM t');
    assert.equal(ran.stdout, 'CREATE\n\nINSERT 2\n\nsum\n  3\n(1 row)\n');
  });

  test('--json keeps every digit: numbers where a double holds them, documents as they are', async () => {
    const ran = await sql(
      '--json',
      `SELECT 1::bigint AS small, 9007199254740993 AS big, 0.5 AS half, 'NaN'::float8 AS nan, true AS yes, NULL AS none,
              '{"amount": 1e400, "n": 0.1234567890123456789012345}'::json AS doc, 'x' AS x, 'y' AS x, '1e400' AS text`,
    );
    assert.equal(
      ran.stdout,
      '[{"small":1,"big":"9007199254740993","half":0.5,"nan":"NaN","yes":true,"none":null,' +
        '"doc":{"amount": 1e400, "n": 0.1234567890123456789012345},"x":"x","x_2":"y","text":"1e400"}]\n',
    );
    assert.equal((await sql('--json', 'SELECT 1 WHERE false')).stdout, '[]\n');
    assert.equal((await sql('--json', 'SELECT 1 AS a; SELECT 2 AS b; SET work_mem = 64')).stdout, '[{"b":2}]\n');
  });

  test('an error names the place; exit code 1', async () => {
    const ran = await sql("SELECT 'ü😀',\n\tnone FROM pg_class");
    assert.deepEqual([ran.code, ran.stdout], [1, '']);
    assert.equal(ran.stderr, 'error: column "none" does not exist.\n  \tnone FROM pg_class\n  \t^\n');
    const divided = await sql('SELECT 1/0');
    assert.deepEqual([divided.code, divided.stderr], [1, 'error: division by zero.\n']);
  });

  test('nothing of a value is obeyed by a terminal, in messages and in JSON', async () => {
    const refused = await sql(String.raw`SELECT E'\x1B[2J\u009B'::int`);
    assert.match(refused.stderr, /^error: invalid input syntax for type integer: "\\x1b\[2J\\x9b"\.$/m);
    assert.doesNotMatch(refused.stderr.replaceAll('\n', ''), /\p{Control}/u);
    const json = await sql('--json', String.raw`SELECT E'\u009B\u202E' AS t, E'{"a":\r\n[1,\t"\u009B"]}'::json AS doc`);
    assert.equal(json.stdout, String.raw`[{"t":"\u009b\u202e","doc":{"a":  [1, "\u009b"]}}]` + '\n');
  });

  test('--url prints what other tools connect with', async () => {
    const ran = await sql('--url');
    assert.equal(ran.stdout, `${warehouse.url}\n`);
  });

  test('starts no PostgreSQL of its own beside a server whose own is away: it waits for that', async (t) => {
    const dir = await scratch(t);
    const options = { dir: join(dir, 'postgres'), log: () => undefined };
    await (await openEmbeddedWarehouse(options)).close();
    const server = await openSegmentLog({ dir: join(dir, 'log') }); // whoever writes the log serves
    const open: { close(): Promise<void> }[] = [server];
    try {
      const reaching = reachWarehouse(loadConfig({ env: {}, flags: { dataDir: dir }, workingDir: dir }));
      const reached = reaching.then((one) => open.push(one));
      assert.equal(await Promise.race([reached, sleep(3_000, 'it waits')]), 'it waits');
      open.push(await openEmbeddedWarehouse(options));
      assert.equal((await (await reaching).pool.query('SELECT 42')).rowCount, 1);
    } finally {
      for (const one of open.toReversed()) await one.close();
    }
  });

  test('reaches a server by URL', async () => {
    const ran = await cli(['sql', 'SELECT 42 AS n', '--json'], { env: { DATABASE_URL: warehouse.url } });
    assert.deepEqual([ran.stdout, ran.stderr], ['[{"n":42}]\n', '']);
    const env = { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/db' };
    const gone = await cli(['sql', 'SELECT 1'], { env });
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /^error: .*ECONNREFUSED.*\n$/);
    assert.doesNotMatch(gone.stderr, /secret/);
  });

  test('without a warehouse it makes none: exit code 1', async (t) => {
    const none = join(await scratch(t), 'none');
    const ran = await cli(['sql', 'SELECT 1', '--data-dir', none]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /^error: there is no warehouse in .*none yet/);
    assert.equal((await cli(['sql', '--url', '--data-dir', none])).code, 1);
  });

  test('where no server runs, it runs one for the query', async () => {
    await warehouse.pool.query('CREATE TABLE kept AS SELECT 7 AS n');
    await warehouse.close();
    try {
      const [one, other] = [await sql('SELECT n FROM kept', '--json'), await sql('--url')];
      assert.deepEqual([one.stdout, one.stderr], ['[{"n":7}]\n', '']);
      assert.equal(other.code, 1, 'it is gone again');
    } finally {
      warehouse = await openEmbeddedWarehouse({ dir: join(dataDir, 'postgres'), log: () => undefined });
    }
  });
});
