/** References of every kind, few and many: what is looked up by key, and what by row, says the same. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { bulk, day, integer, text } from '../../../src/index.ts';
import { serveBulk } from '../../support/bulk-server.ts';
import { openTestServer, type TestWarehouse } from '../../support/postgres-server.ts';

/** More than are looked up by key. */
const many = 12_000;

const stays = bulk({
  name: 'stays',
  path: '/stays',
  table: 'stays',
  columns: { note: text(), port: text(), at: day(), berth: integer() },
  references: [
    { columns: ['berth', 'at', 'port'], to: { table: 'berths', columns: ['number', 'opened', 'port'] } },
    { columns: ['berth'], to: { table: 'numbers', columns: ['n'] } },
  ],
  onConflict: 'insert',
});

describe('what batches refer to', () => {
  let opened: TestWarehouse;
  before(async () => {
    opened = await openTestServer();
    await opened.warehouse.pool.query(`
      CREATE TABLE numbers (n integer PRIMARY KEY);
      INSERT INTO numbers SELECT generate_series(-5, ${many});
      CREATE TABLE berths (port text, number integer, opened date, PRIMARY KEY (port, number, opened));
      INSERT INTO berths VALUES ('é,1', -5, '1999-12-31'), ('A', 7, '0001-01-01'), ('A', 8, '2021-01-01');
      INSERT INTO berths SELECT 'M', n, '2021-01-01' FROM numbers WHERE n > 0;
      CREATE TABLE stays (note text, port text, at date, berth integer REFERENCES numbers,
        FOREIGN KEY (port, berth, at) REFERENCES berths (port, number, opened))`);
  });
  after(() => opened.close());
  const count = async (): Promise<unknown> => (await opened.warehouse.pool.query('SELECT FROM stays')).rowCount;

  it('keys of several columns, of text, days before 2000 and negative numbers', async (t) => {
    const { send } = await serveBulk(t, opened.warehouse, stays);
    const { status, answer } = await send(
      'a,"é,1",1999-12-31,-5\nb,A,0001-01-01,7\nc,A,2021-01-01,8\nd,A,2021-01-01,8\n',
    );
    assert.deepEqual([status, answer.rows, await count()], [201, 4, 4], JSON.stringify(answer));
  });

  it('D7: values that are there, but not together, are unknown, each row with its line', async (t) => {
    const held = await count();
    const { send } = await serveBulk(t, opened.warehouse, stays);
    const { status, answer } = await send('a,A,2021-01-01,8\nb,A,2021-01-01,7\nc,A,0001-01-01,7\nd,A,2021-01-01,7\n');
    assert.equal(status, 422);
    assert.deepEqual(
      answer.errors?.map(({ line, field, value }) => [line, field, value]),
      [
        [2, 'berth,at,port', '7,2021-01-01,A'],
        [4, 'berth,at,port', '7,2021-01-01,A'],
      ],
    );
    assert.equal(await count(), held);
  });

  it('D7: of more keys than are looked up by themselves, all known, and one of them not', async (t) => {
    const held = Number(await count());
    const { send } = await serveBulk(t, opened.warehouse, stays);
    const rows = Array.from({ length: many }, (_, i) => `x,M,2021-01-01,${i + 1}\n`).join('');
    assert.equal((await send(rows)).status, 201);
    assert.equal(await count(), held + many);
    const { status, answer } = await send(`${rows}y,M,2021-01-02,1\n`);
    assert.equal(status, 422);
    assert.deepEqual(
      answer.errors?.map(({ line, field }) => [line, field]),
      [[many + 1, 'berth,at,port']],
    );
    assert.equal(await count(), held + many);
  });
});
