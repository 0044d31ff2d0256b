import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type BulkServer, path, pricesBulk, serveBulk, tables } from '../../support/bulk-server.ts';
import { openTestEmbedded, type TestWarehouse } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

const good = 'AAAAA,BBBBB,2021-01-01,100\nBBBBB,CCCCC,2021-01-02,200\n';
const csv = { 'content-type': 'text/csv' };

const rowWith = (more: string): string => `{"orig_code":"AAAAA","dest_code":"BBBBB","day":"2021-01-01"${more}}`;

describe('bulk', () => {
  let opened: TestWarehouse;
  let server: BulkServer;
  const closing: (() => Promise<void>)[] = [];
  const query = async (statement: string): Promise<Record<string, unknown>[]> =>
    (await opened.warehouse.pool.query(statement)).rows;
  const count = async (): Promise<unknown> => (await query('SELECT count(*)::integer AS n FROM prices'))[0]?.['n'];

  before(async () => {
    opened = await openTestEmbedded();
    await opened.warehouse.pool.query(tables);
    const t = { after: (fn: () => Promise<void>): void => void closing.push(fn) };
    server = await serveBulk(t, opened.warehouse, pricesBulk());
  });
  after(async () => {
    for (const close of closing) await close();
    await opened.close();
  });
  beforeEach(() => opened.warehouse.pool.query('TRUNCATE prices'));

  it('D7: all rows go in, and the status says so', async () => {
    const { status, answer, headers } = await server.send(good);
    assert.equal(status, 201, JSON.stringify(answer));
    assert.equal(answer.rows, 2);
    assert.equal(headers['location'], `${path}/${answer.batch_id}`);
    assert.equal(await count(), 2);
    const told = await server.status(answer.batch_id);
    assert.equal(told.status, 200);
    assert.equal(told.answer.state, 'committed');
    assert.equal(told.answer.rows, 2);
    assert.deepEqual(await query('SELECT day::text, price FROM prices ORDER BY day'), [
      { day: '2021-01-01', price: 100 },
      { day: '2021-01-02', price: 200 },
    ]);
  });

  it('D7: one bad row, and nothing goes in; errors of all kinds come by line', async () => {
    const rows = [
      'AAAAA,BBBBB,2021-01-01,100',
      'AAAAA,XXXXX,2021-01-01,100',
      'AAAAA,BBBBB,2021-02-30,100',
      'AAAAA,BBBBB,2021-01-01,-1',
      'AAAAA,BBBBB,2021-01-01',
      'YYYYY,BBBBB,2021-1-1,0',
      'AAAAA,BBBBB,2021-01-01,100,5',
      'AAAAA,BBBBB,2021-01-01,1"0',
    ];
    const { status, answer } = await server.send(rows.join('\r\n'));
    assert.equal(status, 422);
    assert.equal(answer.error, 'BATCH_REJECTED');
    assert.equal(answer.rows, 8);
    assert.equal(await count(), 0);
    assert.deepEqual(
      answer.errors?.map(({ line, field, value }) => [line, field, value]),
      [
        [2, 'dest_code', 'XXXXX'],
        [3, 'day', '2021-02-30'],
        [4, 'price', '-1'],
        [5, null, null],
        [6, 'day', '2021-1-1'],
        [6, 'price', '0'],
        [6, 'orig_code', 'YYYYY'],
        [7, null, null],
        [8, null, null],
      ],
    );
    assert.equal(answer.error_count, 9);
    const told = await server.status(answer.batch_id);
    assert.equal(told.answer.state, 'rejected');
    assert.deepEqual(told.answer.errors, answer.errors);
  });

  it('the first 100 errors by line, of all kinds, and the count of all', async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) =>
      i % 2 === 0 ? 'AAAAA,QQQQQ,2021-01-01,1' : 'AAAAA,BBBBB,2021-01-01,x',
    );
    const { answer } = await server.send(rows.join('\n'));
    assert.equal(answer.error_count, 1_000);
    assert.deepEqual(
      answer.errors?.map(({ line }) => line),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });

  it('a header names the columns in any order, and lines within quotes count', async () => {
    const body = 'price,day,dest_code,orig_code\r\n1,2021-01-01,"BB\r\nBBB",AAAAA\r\nx,2021-01-01,BBBBB,AAAAA\r\n';
    const { status, answer } = await server.send(body);
    assert.equal(status, 422);
    assert.deepEqual(
      answer.errors?.map(({ line, field }) => [line, field]),
      [
        [2, 'dest_code'],
        [4, 'price'],
      ],
    );
    const in4 = await server.send('price,day,dest_code,orig_code\n7,2021-01-01,BBBBB,"AAAAA"');
    assert.equal(in4.status, 201);
    assert.deepEqual(await query('SELECT orig_code, price FROM prices'), [{ orig_code: 'AAAAA', price: 7 }]);
  });

  it('a header that is not that of the table is the error', async () => {
    for (const header of [
      'orig_code,dest_code,day,prize',
      'orig_code,dest_code,day',
      'orig_code,dest_code,day,price,day',
    ]) {
      const { status, answer } = await server.send(`${header}\n${good}`);
      assert.equal(status, 422);
      assert.equal(answer.errors?.[0]?.line, 1, header);
      assert.match(answer.errors?.[0]?.reason ?? '', /header/);
    }
  });

  it('NDJSON and JSON arrays: unknown and missing fields are errors of their row', async () => {
    const row = { orig_code: 'AAAAA', dest_code: 'BBBBB', day: '2021-01-01', price: 1 };
    const { price: _, ...without } = row;
    const rows = [row, without, { ...row, more: 1 }, 5, { ...row, price: '1' }];
    const expected = [
      [2, 'price'],
      [3, 'more'],
      [4, null],
      [5, 'price'],
    ];
    const lines = rows.map((one) => JSON.stringify(one));
    for (const body of [lines.join('\n'), `[${lines.join(',\n')}]`]) {
      const { status, answer } = await server.send(body, { 'content-type': 'application/json' });
      assert.equal(status, 422);
      assert.deepEqual(
        answer.errors?.map(({ line, field }) => [line, field]),
        expected,
      );
    }
    const { status } = await server.send(JSON.stringify([row, row]), { 'content-type': 'application/json' });
    assert.equal(status, 201);
    assert.equal(await count(), 2);
  });

  it('a field that stands twice in a JSON row is an error of it, and numbers are told as they were sent', async () => {
    const rows = [
      rowWith(',"price":1'),
      rowWith(',"price":1, "pr\\u0069ce" : 2'),
      rowWith(',"price":1e400'),
      rowWith(',"price":12345678901234567890'),
      rowWith(',"day":"2021-01-02","price":1.50'),
      rowWith(',"price":1,"not:e":":"'),
      rowWith(',"price":1').replace('AAAAA', 'A:A:A'),
    ];
    const expected = [
      [2, 'price', '2', 'given twice'],
      [3, 'price', '1e400', 'expected a positive integer, at most 2147483647'],
      [4, 'price', '12345678901234567890', 'expected a positive integer, at most 2147483647'],
      [5, 'day', '2021-01-02', 'given twice'],
      [5, 'price', '1.50', 'expected a positive integer, at most 2147483647'],
      [6, 'not:e', ':', 'there is no such field; did you mean "price"?'],
      [7, 'orig_code', 'A:A:A', 'not in ports.code'],
    ];
    for (const body of [rows.join('\n'), `[${rows.join(',\n')}]`]) {
      const { answer } = await server.send(body, { 'content-type': 'application/json' });
      assert.deepEqual(
        answer.errors?.map(({ line, field, value, reason }) => [line, field, value, reason]),
        expected,
      );
    }
    assert.equal(await count(), 0);
  });

  it('gzip, br and zstd', async () => {
    for (const [encoding, compress] of Object.entries({
      gzip: gzipSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
    })) {
      const { status, answer } = await server.send(compress(Buffer.from(good)), {
        ...csv,
        'content-encoding': encoding,
      });
      assert.equal(status, 201, JSON.stringify(answer));
    }
    assert.equal(await count(), 6);
    const cut = gzipSync(Buffer.from(good)).subarray(0, -6);
    const { status, answer } = await server.send(cut, { ...csv, 'content-encoding': 'gzip' });
    assert.equal(status, 400);
    assert.equal((await server.status(answer.batch_id)).answer.state, 'rejected');
  });

  it('D7: the same batch under one key goes in once, in whatever form; other rows are refused', async () => {
    const headers = { ...csv, 'idempotency-key': randomUUID() };
    const first = await server.send(good, headers);
    const again = await server.send(gzipSync(good.replaceAll('\n', '\r\n')), {
      ...headers,
      'content-encoding': 'gzip',
    });
    assert.deepEqual([first.status, again.status], [201, 200]);
    assert.equal(again.answer.batch_id, first.answer.batch_id);
    const other = await server.send(good.replace('200', '201'), headers);
    assert.equal(other.status, 422);
    assert.equal(other.answer.error, 'IDEMPOTENCY_KEY_USED');
    assert.equal(other.answer.batch_id, first.answer.batch_id);
    assert.equal(await count(), 2);
  });

  it('a rejected batch leaves its key free', async () => {
    const headers = { ...csv, 'idempotency-key': randomUUID() };
    const bad = await server.send('AAAAA,BBBBB,2021-01-01,x', headers);
    const then = await server.send(good, headers);
    assert.deepEqual([bad.status, then.status], [422, 201]);
    assert.notEqual(then.answer.batch_id, bad.answer.batch_id);
  });

  it('D7: while the first under a key is under way, 409 and Retry-After', async () => {
    const key = randomUUID();
    const { socket, id } = await half(key);
    const second = await server.send(good, { ...csv, 'idempotency-key': key });
    assert.equal(second.status, 409);
    assert.equal(second.answer.batch_id, id);
    assert.ok(Number(second.headers['retry-after']) > 0);
    socket.destroy();
    await until(async () => (await server.status(id)).answer.state === 'rejected');
    const { status } = await server.send(good, { ...csv, 'idempotency-key': key });
    assert.equal(status, 201);
    assert.equal(await count(), 2);
  });

  it('D7: of ten at once under one key one goes in', async () => {
    const headers = { ...csv, 'idempotency-key': randomUUID() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.send(good, headers)));
    const statuses = answers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 201).length, 1, statuses.join());
    assert.ok(
      statuses.every((status) => [200, 201, 409].includes(status)),
      statuses.join(),
    );
    assert.equal(new Set(answers.map(({ answer }) => answer.batch_id)).size, 1);
    assert.equal(await count(), 2);
  });

  it('D7: a referenced row that is deleted while the batch runs is unknown, or waits for the batch', async () => {
    await query(`INSERT INTO ports VALUES ('ZZZZZ')`);
    const client = await opened.warehouse.pool.connect();
    await client.query(`BEGIN; DELETE FROM ports WHERE code = 'ZZZZZ'`);
    const sent = server.send('AAAAA,ZZZZZ,2021-01-01,1');
    await until(async () => (await query(`SELECT FROM pg_locks WHERE NOT granted`)).length > 0);
    await client.query('COMMIT');
    client.release();
    const { status, answer } = await sent;
    assert.equal(status, 422);
    assert.equal(answer.errors?.[0]?.field, 'dest_code');
    assert.equal(await count(), 0);
  });

  it('an id that is none is 404', async () => {
    for (const id of ['x', randomUUID()]) assert.equal((await server.status(id)).status, 404);
  });

  /** A batch of which half is sent. */
  async function half(key: string) {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nIdempotency-Key: ${key}\r\nContent-Length: 1000\r\n\r\nAAAAA,BBBBB`,
    );
    const find = `SELECT id FROM tributary_batches WHERE idempotency_key = '${key}'`;
    await until(async () => (await query(find)).length > 0);
    return { socket, id: (await query(find))[0]?.['id'] as string };
  }
});
