/** Batches into tables of other kinds: with keys, with triggers, and for roles that may not leave triggers out. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { json } from 'node:stream/consumers';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type Bulk, bulk, integer, text } from '../../../src/index.ts';
import { readTargetTable } from '../../../src/sources/bulk/target-table.ts';
import { openServerWarehouse } from '../../../src/stores/warehouse/server-warehouse.ts';
import { type BulkServer, pricesBulk, serveBulk, tables } from '../../support/bulk-server.ts';
import { openTestServer, type TestWarehouse } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

describe('batches into tables', () => {
  let opened: TestWarehouse;
  before(async () => {
    opened = await openTestServer();
    await query(tables);
  });
  after(() => opened.close());
  const query = async (statement: string): Promise<readonly Record<string, unknown>[]> =>
    (await opened.warehouse.pool.query(statement)).rows;

  function serve(t: TestContext, table: string, onConflict: 'insert' | 'upsert'): Promise<BulkServer> {
    const columns = { code: text(), n: integer() };
    return serveBulk(t, opened.warehouse, bulk({ name: table, path: `/${table}`, table, columns, onConflict }));
  }

  it('D7: keys that are twice in the batch, or in the table, are told by line', async (t) => {
    await query(
      `CREATE TABLE keyed (code text PRIMARY KEY, n integer NOT NULL UNIQUE); INSERT INTO keyed VALUES ('old', 1)`,
    );
    const { send } = await serve(t, 'keyed', 'insert');
    const { status, answer } = await send('a,10\nold,11\na,12\nb,1\nc,10\n');
    assert.equal(status, 422);
    assert.deepEqual(
      answer.errors?.map(({ line, field, value, reason }) => [line, field, value, reason]),
      [
        [2, 'code', 'old', 'is in keyed already'],
        [3, 'code', 'a', 'the same as in line 1'],
        [4, 'n', '1', 'is in keyed already'],
        [5, 'n', '10', 'the same as in line 1'],
      ],
    );
    assert.equal((await query('SELECT FROM keyed')).length, 1);
  });

  it('with upsert rows take the place of those that are there, and none is twice in the batch', async (t) => {
    await query(
      `CREATE TABLE replaced (code text PRIMARY KEY, n integer NOT NULL); INSERT INTO replaced VALUES ('old', 1), ('kept', 2)`,
    );
    const { send } = await serve(t, 'replaced', 'upsert');
    assert.equal((await send('code,n\nold,5\nnew,6\n')).status, 201);
    const expected = [
      { code: 'kept', n: 2 },
      { code: 'new', n: 6 },
      { code: 'old', n: 5 },
    ];
    assert.deepEqual(await query('SELECT * FROM replaced ORDER BY code'), expected);
    const { status, answer } = await send('x,1\nx,2\n');
    assert.equal(status, 422);
    assert.equal(answer.errors?.[0]?.line, 2);
    assert.deepEqual(await query('SELECT * FROM replaced ORDER BY code'), expected);
  });

  it('what only PostgreSQL knows is told, too, and nothing is in', async (t) => {
    await query('CREATE TABLE checked (code text, n integer CONSTRAINT small CHECK (n < 100))');
    const { status, answer } = await (await serve(t, 'checked', 'insert')).send('a,1\nb,100\n');
    assert.equal(status, 422);
    assert.match(answer.errors?.[0]?.reason ?? '', /small/);
    assert.equal((await query('SELECT FROM checked')).length, 0);
  });

  it('D7: what PostgreSQL checks at the commit, and what an index cannot take, are told as errors of rows', async (t) => {
    await query(`CREATE TABLE deferred (code text REFERENCES ports DEFERRABLE INITIALLY DEFERRED, n integer);
      CREATE TABLE indexed (code text PRIMARY KEY, n integer)`);
    const deferred = await (await serve(t, 'deferred', 'insert')).send('AAAAA,1\nnowhere,2\n');
    assert.equal(deferred.status, 422, JSON.stringify(deferred.answer));
    assert.match(deferred.answer.errors?.[0]?.reason ?? '', /foreign key.*nowhere/);
    const tooLong = await (await serve(t, 'indexed', 'insert')).send(`${randomBytes(6_000).toString('hex')},1\n`);
    assert.equal(tooLong.status, 422, JSON.stringify(tooLong.answer));
    assert.match(tooLong.answer.errors?.[0]?.reason ?? '', /index row/);
    assert.deepEqual(await query('SELECT code FROM deferred UNION ALL SELECT code FROM indexed'), []);
  });

  it("D7: a table's own triggers fire, and foreign keys that are not declared hold", async (t) => {
    await query(`
      CREATE TABLE guarded (code text REFERENCES ports, n integer);
      CREATE TABLE fired (n integer);
      CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO fired VALUES (NEW.n); RETURN NEW; END';
      CREATE TABLE watched (code text, n integer);
      CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION fire()`);
    const guarded = await (await serve(t, 'guarded', 'insert')).send('none,1\n');
    assert.equal(guarded.status, 422);
    assert.equal((await query('SELECT FROM guarded')).length, 0);
    assert.equal((await (await serve(t, 'watched', 'insert')).send('a,7\n')).status, 201);
    assert.deepEqual(await query('SELECT n FROM fired'), [{ n: 7 }]);
  });

  it('D7: a role that is no superuser: the same batches, the same errors', async (t) => {
    await query(`
      CREATE ROLE plain LOGIN PASSWORD 'plain';
      GRANT CREATE ON SCHEMA public TO plain;
      GRANT SELECT, UPDATE ON ports TO plain;
      GRANT SELECT, INSERT ON prices TO plain;
      GRANT SELECT, INSERT, UPDATE ON tributary_batches TO plain`);
    const url = new URL(opened.warehouse.url);
    url.username = url.password = 'plain';
    const warehouse = await openServerWarehouse({ url: url.href });
    t.after(() => warehouse.close());
    const { send } = await serveBulk(t, warehouse, pricesBulk());
    assert.equal((await send('AAAAA,BBBBB,2021-01-01,1\n')).status, 201);
    const { status, answer } = await send('AAAAA,NONE,2021-01-01,1\n');
    assert.equal(status, 422);
    assert.equal(answer.errors?.[0]?.field, 'dest_code');
    assert.equal((await query('SELECT FROM prices')).length, 1);
  });

  it('triggers are left out only where the checks do all that they would', async () => {
    const client = await opened.warehouse.pool.connect();
    const canSkip = async (definition: Bulk): Promise<boolean> =>
      (await readTargetTable(client, definition)).canSkipTriggers;
    const prices = pricesBulk();
    try {
      assert.equal(await canSkip(prices), true);
      assert.equal(await canSkip({ ...prices, references: prices.references.slice(1) }), false);
      await query('CREATE TABLE others (code text PRIMARY KEY)');
      const elsewhere = prices.references.map(({ columns }) => ({
        columns,
        to: { table: 'others', columns: ['code'] },
      }));
      assert.equal(await canSkip({ ...prices, references: elsewhere }), false);
      for (const made of [
        'CREATE TABLE odd (code text UNIQUE DEFERRABLE, n integer)',
        'CREATE TABLE odd (code text, n integer) PARTITION BY LIST (code)',
        'CREATE TABLE odd (code text, n integer); CREATE RULE r AS ON INSERT TO odd DO ALSO SELECT 1',
        'CREATE TABLE odd (code text REFERENCES ports DEFERRABLE, n integer)',
        'CREATE TABLE odd (code name REFERENCES ports, n integer)',
        'CREATE TABLE odd (code varchar(5) REFERENCES ports, n integer)',
      ]) {
        await query(made);
        const columns = { code: text(), n: integer() };
        const references = [{ columns: ['code'] as const, to: { table: 'ports', columns: ['code'] } }];
        const odd = bulk({ name: 'odd', path: '/odd', table: 'odd', columns, references, onConflict: 'insert' });
        assert.equal(await canSkip(odd), false, made);
        await query('DROP TABLE odd');
      }
      await client.query('SET ROLE plain');
      assert.equal(await canSkip(prices), false);
    } finally {
      client.release(true);
    }
  });

  it('D7: what only a row of an inheriting table has is no key for PostgreSQL, and none for a batch', async (t) => {
    await query(`CREATE TABLE general (code text PRIMARY KEY); CREATE TABLE special () INHERITS (general);
      INSERT INTO special VALUES ('s'); CREATE TABLE referring (code text REFERENCES general, n integer)`);
    const references = [{ columns: ['code'] as const, to: { table: 'general', columns: ['code'] } }];
    const columns = { code: text(), n: integer() };
    const at = { name: 'referring', path: '/referring', table: 'referring' };
    const { send } = await serveBulk(t, opened.warehouse, bulk({ ...at, columns, references, onConflict: 'insert' }));
    assert.equal((await send('s,1\n')).status, 422);
    assert.deepEqual(await query('SELECT * FROM referring'), []);
  });

  it('D7: a trigger that comes while a batch is received fires, and a foreign key that comes holds', async (t) => {
    await query(`CREATE TABLE changing (code text, n integer);
      CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$`);
    const { url, send } = await serve(t, 'changing', 'insert');
    assert.equal((await send('AAAAA,1\n')).status, 201);
    const change = async (statement: string): Promise<number | undefined> => {
      const request = httpRequest(`${url}/changing`, { method: 'POST', headers: { 'content-type': 'text/csv' } });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      request.write('a,1\n');
      await until(
        async () => (await query(`SELECT FROM tributary_batches WHERE rows = 1 AND state = 'receiving'`)).length > 0,
      );
      await query(statement);
      request.end('b,1\n');
      const [response] = await answered;
      response.resume();
      return response.statusCode;
    };
    assert.equal(
      await change('CREATE TRIGGER no BEFORE INSERT ON changing FOR EACH ROW EXECUTE FUNCTION refuse_all()'),
      422,
    );
    await query('DROP TRIGGER no ON changing');
    assert.equal(await change('ALTER TABLE changing ADD FOREIGN KEY (code) REFERENCES ports'), 422);
    assert.deepEqual(await query('SELECT * FROM changing'), [{ code: 'AAAAA', n: 1 }]);
  });

  it('D7: what a batch refers to cannot be deleted until it is in, and not then', async (t) => {
    const { send } = await serveBulk(t, opened.warehouse, pricesBulk());
    const blocker = await opened.warehouse.pool.connect();
    await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    const waiting = async (): Promise<number> => (await query('SELECT FROM pg_locks WHERE NOT granted')).length;
    const sent = send('AAAAA,CCCCC,2021-01-01,1\n');
    await until(async () => (await waiting()) === 1);
    const deleted = query(`DELETE FROM ports WHERE code = 'CCCCC'`).then(
      () => 'deleted',
      (error: Error) => error.message,
    );
    await until(async () => (await waiting()) === 2);
    await blocker.query('COMMIT');
    blocker.release();
    assert.equal((await sent).status, 201);
    assert.match(await deleted, /violates foreign key/);
  });

  it('a table that is not there, or lacks a column, is told, and who still sends is not let go on', async (t) => {
    const { send, url } = await serve(t, 'missing', 'insert');
    const missing = await send('a,1\n');
    assert.deepEqual([missing.status, missing.answer.error], [503, 'WAREHOUSE_TABLE_MISSING']);
    const request = httpRequest(`${url}/missing`, { method: 'POST', headers: { 'content-type': 'text/csv' } });
    t.after(() => request.destroy());
    request.write('a,1\n');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(((await json(response)) as { error: string }).error, 'WAREHOUSE_TABLE_MISSING');
    await query('CREATE TABLE lacking (code text)');
    const lacking = await (await serve(t, 'lacking', 'insert')).send('a,1\n');
    assert.equal(lacking.answer.error, 'WAREHOUSE_TABLE_DIFFERS');
    await query('CREATE TABLE keyless (code text, n integer)');
    const keyless = await (await serve(t, 'keyless', 'upsert')).send('a,1\n');
    assert.equal(keyless.answer.error, 'WAREHOUSE_TABLE_DIFFERS');
  });
});
