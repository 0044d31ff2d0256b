/** Small batches, which are held until they go in, and larger ones, which are staged: the same becomes of either. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { bulk, day, integer, text } from '../../../src/index.ts';
import { RowBuffer } from '../../../src/sources/bulk/row-buffer.ts';
import { openServerWarehouse } from '../../../src/stores/warehouse/server-warehouse.ts';
import { serveBulk } from '../../support/bulk-server.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../../support/postgres-server.ts';

/** In several parts. */
const few = 60_000;
/** Of more than are held. */
const many = 150_000;
const rowsOf = (count: number, first = 0): string =>
  Array.from({ length: count }, (_, i) => `A,2021-01-01,${first + i}\n`).join('');
/** Of those rows. */
const sums = (count: number): readonly object[] => [
  { count, sum: (count * (count - 1)) / 2, min: 'A', max: '2021-01-01' },
];
const columns = { port: text(), at: day(), n: integer() };
const references = [{ columns: ['port'] as const, to: { table: 'ports', columns: ['code'] } }];
const visits = bulk({ name: 'visits', path: '/visits', table: 'visits', columns, references, onConflict: 'insert' });
const table = `port text REFERENCES ports, at date, n integer UNIQUE`;

describe('batches that are held, and batches that are staged', { timeout: 120_000 }, () => {
  let postgres: OwnPostgresServer;
  let admin: Client;
  before(async () => {
    postgres = await ownPostgresServer();
    admin = new Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query(
      `CREATE TABLE ports (code text PRIMARY KEY); INSERT INTO ports VALUES ('A');
       CREATE ROLE stager LOGIN SUPERUSER PASSWORD 's'; CREATE ROLE holder LOGIN PASSWORD 'h';
       GRANT SET ON PARAMETER session_replication_role TO holder; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;
       GRANT CREATE ON SCHEMA public TO holder; GRANT SELECT, UPDATE ON ports TO holder`,
    );
  });
  after(async () => {
    await admin.end();
    await postgres.stop();
  });
  const landed = async (): Promise<readonly unknown[]> =>
    (await admin.query(`SELECT count(*)::integer, sum(n)::float8, min(port), max(at)::text FROM visits`)).rows;

  async function warehouseOf(t: { after(fn: () => Promise<void>): void }, role: string, password: string) {
    const url = new URL(postgres.url);
    [url.username, url.password] = [role, password];
    const warehouse = await openServerWarehouse({ url: url.href });
    t.after(() => warehouse.close());
    return warehouse;
  }

  for (const [what, count] of [
    ['held', few],
    ['staged', many],
  ] as const)
    it(`D7: ${what}: all are in; or none, and each error is told with its line`, async (t) => {
      await admin.query(`CREATE TABLE visits (${table})`);
      t.after(() => admin.query('DROP TABLE visits'));
      const { send } = await serveBulk(t, await warehouseOf(t, 'stager', 's'), visits);
      const rows = rowsOf(count);
      const errorsOf = async (body: string): Promise<readonly unknown[] | undefined> =>
        (await send(body)).answer.errors?.map(({ line, field, value, reason }) => [line, field, value, reason]);
      const again = [count + 1, 'n', '7', 'the same as in line 8'];
      assert.deepEqual(await errorsOf(`${rows}A,2021-01-01,7\n`), [again]);
      const atOnce = [9, 'n', '7', 'the same as in line 1']; // PostgreSQL refuses the first part in its midst
      assert.deepEqual(await errorsOf(`A,2021-01-01,7\n${rows}`), [atOnce]);
      assert.deepEqual(await errorsOf(`${rows}A,2021-01-01,7\nB,2021-01-01,-1\nA,2021-02-30,-2\n`), [
        again,
        [count + 2, 'port', 'B', 'not in ports.code'],
        [count + 3, 'at', '2021-02-30', 'expected a day of the calendar, as YYYY-MM-DD'],
      ]);
      assert.deepEqual(await landed(), [{ count: 0, sum: null, min: null, max: null }]);
      const sent = await Promise.all([send(rows), send(rowsOf(few, count))]);
      for (const { status, answer } of sent) assert.equal(status, 201, JSON.stringify(answer));
      assert.deepEqual(await landed(), sums(count + few));
      assert.deepEqual(await errorsOf('A,2021-01-01,5\n'), [[1, 'n', '5', 'is in visits already']]);
      assert.deepEqual(await landed(), sums(count + few));
    });

  it('D7: rows that are held need no temporary table, and those that are staged do', async (t) => {
    await admin.query(
      `SET ROLE holder; CREATE TABLE visits (${table.replace('REFERENCES ports', '')}); RESET ROLE;
       GRANT SELECT, INSERT, UPDATE, DELETE ON tributary_batches TO holder`,
    );
    t.after(() => admin.query('DROP TABLE visits'));
    const { send } = await serveBulk(t, await warehouseOf(t, 'holder', 'h'), visits);
    assert.equal((await send(rowsOf(few))).status, 201);
    for (const refused of [
      await send(rowsOf(many, few)),
      await send('A,2021-01-01,5\n'),
      await send('B,2021-01-01,-5\n'),
    ])
      assert.equal(refused.answer.error, 'WAREHOUSE_DENIED', JSON.stringify(refused.answer));
    assert.deepEqual(await landed(), sums(few));
    // A COPY cannot be held to policies.
    await admin.query(
      `ALTER TABLE visits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY all_of_them ON visits USING (true)`,
    );
    assert.equal((await send('A,2021-01-01,-1\n')).answer.error, 'WAREHOUSE_DENIED');
    await admin.query('GRANT TEMPORARY ON DATABASE postgres TO holder');
    assert.equal((await send('A,2021-01-01,-1\n')).status, 201);
  });

  it('D7: what a COPY would do otherwise than an insert is left to the insert', async (t) => {
    const { send } = await serveBulk(
      t,
      await warehouseOf(t, 'stager', 's'),
      bulk({ name: 'odd', path: '/odd', table: 'odd', columns: { port: text(), n: integer() }, onConflict: 'insert' }),
    );
    for (const [made, status] of [
      ['port varchar(3), n bigint', 201],
      ['port name, n numeric(10, 2)', 201],
      ['port text, n real DEFAULT 1', 201],
      ['n integer, other integer DEFAULT 7, port text', 201],
      ['port text, n integer, double integer GENERATED ALWAYS AS (2 * n) STORED', 201],
      ['port text, n integer GENERATED BY DEFAULT AS IDENTITY', 201],
      ['port text, n integer GENERATED ALWAYS AS IDENTITY', 500],
      ['port text, n integer GENERATED ALWAYS AS (1) STORED', 500],
    ] as const) {
      await admin.query(`CREATE TABLE odd (${made})`);
      assert.equal((await send('abc,5\nd,6\n')).status, status, made);
      const { rows } = await admin.query('SELECT port::text, n::integer FROM odd ORDER BY n');
      const expected = [
        { port: 'abc', n: 5 },
        { port: 'd', n: 6 },
      ];
      assert.deepEqual(rows, status === 201 ? expected : [], made);
      await admin.query('DROP TABLE odd');
    }
  });
});

it('without lines, rows are their values, to the byte', () => {
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  const row = fc.array(fc.option(value, { nil: undefined }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const buffer = new RowBuffer();
      const parts = [buffer.finish().subarray(0, -2)].map((header) => Buffer.from(header));
      buffer.clear();
      for (const [i, values] of rows.entries()) {
        const start = buffer.add(i + 1, values);
        parts.push(Buffer.of(0, values.length), Buffer.from(buffer.bytes.subarray(start, buffer.byteLength)));
      }
      const values = new RowBuffer();
      values.takeValues(buffer);
      assert.deepEqual(values.finish(), Buffer.concat([...parts, Buffer.of(0xff, 0xff)]));
    }),
  );
});
