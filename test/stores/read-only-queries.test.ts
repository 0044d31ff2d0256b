/** What routes ask of the warehouse: only reads, values apart from the statement, limits, and a PostgreSQL that goes away. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { openReadOnlyQueries } from '../../src/stores/warehouse/read-only-queries.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import { newDatabase } from '../../src/testing/postgres.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { until } from '../support/until.ts';

const limits = { statementMs: 10_000, connections: 2 };

async function queriesOn(t: TestContext, url: string, given = limits) {
  const warehouse = await openServerWarehouse({ url });
  t.after(() => warehouse.close());
  const queries = openReadOnlyQueries(() => warehouse, given);
  t.after(() => queries.close());
  return { sql: queries.sql, pool: warehouse.pool };
}

async function onNewDatabase(t: TestContext, given = limits) {
  const database = await newDatabase();
  t.after(() => database.drop());
  return queriesOn(t, database.url, given);
}

suite('read-only queries', { timeout: 120_000 }, () => {
  test('values are never part of the statement', async (t) => {
    const { sql } = await onNewDatabase(t);
    for (const text of ["'; SELECT 1 --", '$2', '', '😀', "\\'", '${1}'])
      assert.deepEqual(await sql`SELECT ${text}::text AS a, ${7}::int AS b, ${null}::text AS c`, [
        { a: text, b: 7, c: null },
      ]);
    assert.deepEqual(await sql`SELECT ${['a,b', '{}', '"']}::text[] AS all`, [{ all: ['a,b', '{}', '"'] }]);
    assert.deepEqual(await sql`SELECT 1 AS n`, [{ n: 1 }]);
  });

  test('one that writes, and one with two statements, is a defect of the app and changes nothing', async (t) => {
    const { sql, pool } = await onNewDatabase(t);
    await pool.query('CREATE TABLE t (n int)');
    await assert.rejects(sql`INSERT INTO t VALUES (1)`, { code: '25006' });
    await assert.rejects(sql`SELECT 1; DROP TABLE t`, { code: '42601' });
    assert.deepEqual(await sql`SELECT count(*)::int AS n FROM t`, [{ n: 0 }]);
  });

  test('a table that is missing, and one that is not for our role, are told as such', async (t) => {
    const { sql, pool } = await onNewDatabase(t, { ...limits, connections: 1 });
    await assert.rejects(sql`SELECT * FROM nowhere`, { code: 'WAREHOUSE_TABLE_MISSING', message: /"nowhere"/ });
    const role = `reader_${process.pid}`;
    await pool.query(`CREATE ROLE ${role}`);
    await pool.query('CREATE TABLE t (n int)');
    // one connection: it stays that role
    await sql`SELECT set_config('role', ${role}, false)`;
    await assert.rejects(sql`SELECT * FROM t`, { code: 'WAREHOUSE_DENIED' });
    await pool.query(`DROP ROLE ${role}`);
  });

  test('a statement is prepared once a connection, and follows a table that is another one since then', async (t) => {
    const { sql, pool } = await onNewDatabase(t, { ...limits, connections: 1 });
    const ask = (n: number) => sql`SELECT * FROM t WHERE n >= ${n}::int`;
    const prepared = () =>
      sql<{ statement: string }>`SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT * %'`;
    await pool.query('CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)');
    for (const n of [1, 2, 3]) assert.equal((await ask(n)).length, 3 - n);
    assert.equal((await prepared()).length, 1);
    await pool.query('ALTER TABLE t RENAME TO old; CREATE TABLE t (n int); INSERT INTO t VALUES (7)');
    assert.deepEqual(await ask(1), [{ n: 7 }]);
    await pool.query("DROP TABLE t; CREATE TABLE t (name text, n int); INSERT INTO t VALUES ('x', 8)");
    assert.deepEqual(await ask(1), [{ name: 'x', n: 8 }]);
    await sql`DEALLOCATE ALL`;
    assert.deepEqual(await ask(9), []);
  });

  test('what takes too long ends, and the next is answered', async (t) => {
    const { sql } = await onNewDatabase(t, { statementMs: 100, connections: 1 });
    await assert.rejects(sql`SELECT pg_sleep(60)`, {
      code: 'WAREHOUSE_UNAVAILABLE',
      message: /no answer within 0\.1 s/,
    });
    assert.deepEqual(await sql`SELECT 1 AS n`, [{ n: 1 }]);
  });

  test('one that PostgreSQL ends for another transaction, such as in a deadlock, may be asked again', async (t) => {
    const { sql, pool } = await onNewDatabase(t, { ...limits, connections: 1 });
    await pool.query('CREATE TABLE a (n int); CREATE TABLE b (n int)');
    const other = await pool.connect();
    await other.query(`SET deadlock_timeout = '60s'; BEGIN; LOCK TABLE b`); // the reader is the one that notices
    const read = () => sql`SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) AS n`;
    const ended = assert.rejects(read(), { code: 'WAREHOUSE_UNAVAILABLE', message: /deadlock/ });
    await until(async () => (await pool.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1);
    await other.query('LOCK TABLE a');
    await ended;
    await other.query('COMMIT');
    other.release();
    assert.deepEqual(await read(), [{ n: '0' }]);
  });

  test('more than there are connections wait for each other', async (t) => {
    const { sql } = await onNewDatabase(t);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => sql<{ n: number }>`SELECT ${n}::int AS n`));
    assert.deepEqual(
      answers.flat().map(({ n }) => n),
      Array.from({ length: 50 }, (_, n) => n),
    );
  });

  test('where the warehouse is not up, goes away or comes back', async (t) => {
    const none = openReadOnlyQueries(() => undefined);
    await assert.rejects(none.sql`SELECT 1`, { code: 'WAREHOUSE_UNAVAILABLE', message: /not up yet/ });
    await none.close();
    const server = await ownPostgres();
    t.after(() => server.dispose());
    const { sql } = await queriesOn(t, server.url);
    assert.deepEqual(await sql`SELECT 1 AS n`, [{ n: 1 }]);
    const asking = assert.rejects(sql`SELECT pg_sleep(60)`, { code: 'WAREHOUSE_UNAVAILABLE' });
    await sql`SELECT 1 AS n`; // the other has been sent before
    await server.crash();
    await asking;
    await assert.rejects(sql`SELECT 1`, { code: 'WAREHOUSE_UNAVAILABLE' });
    await server.start();
    assert.deepEqual(await sql`SELECT 1 AS n`, [{ n: 1 }]);
  });
});
