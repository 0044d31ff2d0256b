/** What can be seen of a batch, and done to it, from outside: while it is under way, when it has ended, and long after. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { bulk, integer, text } from '../../../src/index.ts';
import { bulkObserver } from '../../../src/telemetry/bulk-observer.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { type BulkAnswer, type BulkServer, path, pricesBulk, serveBulk, tables } from '../../support/bulk-server.ts';
import { openTestServer, type TestWarehouse } from '../../support/postgres-server.ts';
import { until } from '../../support/until.ts';

const good = 'AAAAA,BBBBB,2021-01-01,100\n';
const csv = { 'content-type': 'text/csv' };

/** The last rows of a part may wait for what follows them. */
const atLeast = (rows: number, { rows: told = 0 }: BulkAnswer): boolean => told > rows - 5 && told <= rows;
/** 500 rows with keys from `first` on. */
const keyed = (first: number): string => Array.from({ length: 500 }, (_, i) => `${first + i},${first}\n`).join('');

describe('the life of a batch', { timeout: 60_000 }, () => {
  let opened: TestWarehouse;
  let server: BulkServer;
  /** On the same PostgreSQL. */
  let other: BulkServer;
  const closing: (() => Promise<void>)[] = [];
  const query = async (statement: string): Promise<Record<string, unknown>[]> =>
    (await opened.warehouse.pool.query(statement)).rows;
  const count = async (table = 'prices'): Promise<unknown> =>
    (await query(`SELECT count(*)::integer AS n FROM ${table}`))[0]?.['n'];

  before(async () => {
    opened = await openTestServer();
    await query(tables);
    const t = { after: (fn: () => Promise<void>): void => void closing.push(fn) };
    server = await serveBulk(t, opened.warehouse, pricesBulk());
    other = await serveBulk(t, opened.warehouse, pricesBulk());
  });
  after(async () => {
    for (const close of closing) await close();
    await opened.close();
  });
  beforeEach(() => query('TRUNCATE prices'));

  /** Sends the beginning of a batch under that key, and lets it wait for the rest. */
  async function begun(t: TestContext, key: string, body: string, more = ''): Promise<Socket> {
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(
      `POST ${path}${more} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nIdempotency-Key: ${key}\r\nContent-Length: 1000000\r\n\r\n${body}`,
    );
    await until(async () => (await other.statusOfKey(key)).status === 200);
    return socket;
  }

  it('while it is received, its rows are told, by any node, found by its key', async (t) => {
    const key = randomUUID();
    const socket = await begun(t, key, good.repeat(70));
    await until(async () => atLeast(70, (await other.statusOfKey(key)).answer));
    socket.write(good.repeat(50));
    await until(async () => atLeast(120, (await server.statusOfKey(key)).answer));
    const { answer } = await other.statusOfKey(key);
    assert.equal(answer.state, 'receiving');
    assert.ok(atLeast(120, (await other.status(answer.batch_id)).answer));
  });

  it('by a key the last batch is found, and only its own; what is no key is refused', async () => {
    const key = `a/b&c=${randomUUID()}`;
    assert.equal((await server.statusOfKey(key)).status, 404);
    const rejected = await server.send('AAAAA,BBBBB,2021-01-01,x', { ...csv, 'idempotency-key': key });
    assert.equal((await other.statusOfKey(key)).answer.batch_id, rejected.answer.batch_id);
    const committed = await server.send(good, { ...csv, 'idempotency-key': key });
    const { answer } = await other.statusOfKey(key);
    assert.deepEqual([answer.batch_id, answer.state], [committed.answer.batch_id, 'committed']);
    assert.equal((await server.statusOfKey('not\nvisible')).answer.error, 'IDEMPOTENCY_KEY_INVALID');
  });

  it('D7: a dry run checks all and inserts nothing; its key stays free', async () => {
    const headers = { ...csv, 'idempotency-key': randomUUID() };
    const checked = await server.send(good.repeat(3), headers, '?dry_run=true');
    assert.deepEqual(
      [checked.status, checked.answer.state, checked.answer.dry_run, checked.answer.rows],
      [200, 'checked', true, 3],
    );
    const told = await other.statusOfKey(headers['idempotency-key']);
    assert.deepEqual([told.answer.batch_id, told.answer.state], [checked.answer.batch_id, 'checked']);
    assert.equal(await count(), 0);
    const bad = await server.send(`${good}AAAAA,NONE,2021-01-01,1\nAAAAA,BBBBB,2021-02-30,1\n`, csv, '?dry_run=true');
    assert.deepEqual(
      [bad.status, bad.answer.state, bad.answer.dry_run, bad.answer.error_count],
      [422, 'rejected', true, 2],
    );
    assert.deepEqual(
      bad.answer.errors?.map(({ line, field }) => [line, field]),
      [
        [2, 'dest_code'],
        [3, 'day'],
      ],
    );
    const loaded = await server.send(good, headers);
    assert.deepEqual([loaded.status, loaded.answer.dry_run, await count()], [201, false, 1]);
    for (const wrong of ['?dry_run=yes', '?dry_run', '?dry_run=true&dry_run=true'])
      assert.equal((await server.send(good, csv, wrong)).answer.error, 'REQUEST_INVALID', wrong);
    assert.equal(await count(), 1);
  });

  it('a dry run tells of keys and of what only PostgreSQL knows, and the table does not grow', async (t) => {
    await query(
      `CREATE TABLE strict (code varchar(3) PRIMARY KEY, n integer CHECK (n < 100), made timestamptz NOT NULL DEFAULT now());
       INSERT INTO strict VALUES ('old', 1)`,
    );
    const definition = { name: 'strict', path: '/strict', table: 'strict', columns: { code: text(), n: integer() } };
    const { send } = await serveBulk(t, opened.warehouse, bulk({ ...definition, onConflict: 'insert' }));
    const errorsOf = async (body: string): Promise<readonly unknown[] | undefined> => {
      const { status, answer } = await send(body, csv, '?dry_run=true');
      assert.equal(status, answer.errors ? 422 : 200, JSON.stringify(answer));
      return answer.errors?.map(({ line, reason }) => [line, reason.slice(0, 28)]);
    };
    const sizeBefore = await query(`SELECT pg_table_size('strict') AS n`);
    assert.equal(await errorsOf('a,1\nb,2\n'), undefined);
    assert.deepEqual(await errorsOf('a,1\nold,2\na,3\n'), [
      [2, 'is in strict already'],
      [3, 'the same as in line 1'],
    ]);
    assert.deepEqual(await errorsOf('a,1\na,200\n'), [
      [2, 'the same as in line 1'],
      [null, 'new row for relation "tribut'],
    ]);
    assert.deepEqual(await errorsOf('long,1\n'), [[null, 'value too long for type char']]);
    assert.deepEqual(await query(`SELECT pg_table_size('strict') AS n`), sizeBefore);
    assert.equal((await send('a,1\n', csv)).status, 201);
  });

  it('D7: cancelled by any node while it is received: nothing is in, and its sender is told', async (t) => {
    const key = randomUUID();
    const socket = await begun(t, key, good);
    const { answer } = await other.statusOfKey(key);
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
    const cancelled = await other.cancel(answer.batch_id);
    assert.deepEqual([cancelled.status, cancelled.answer.state], [200, 'rejected']);
    assert.match(cancelled.answer.errors?.[0]?.reason ?? '', /^cancelled/);
    assert.match(await answered, /^HTTP\/1\.1 409 [^]*BATCH_CANCELLED/);
    assert.equal((await server.send(good, { ...csv, 'idempotency-key': key })).status, 201);
    assert.equal(await count(), 1);
  });

  it('D7: cancelled while it waits to go in: nothing is in; and what is in stays in', async () => {
    const blocker = await opened.warehouse.pool.connect();
    await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    const key = randomUUID();
    const sent = server.send(good, { ...csv, 'idempotency-key': key });
    await until(async () => (await other.statusOfKey(key)).answer.state === 'validating');
    const { answer } = await other.statusOfKey(key);
    assert.equal((await other.cancel(answer.batch_id)).answer.state, 'rejected');
    assert.deepEqual([(await sent).status, (await sent).answer.error], [409, 'BATCH_CANCELLED']);
    await blocker.query('ROLLBACK');
    blocker.release();
    assert.equal(await count(), 0);
    const { answer: committed } = await server.send(good);
    assert.equal((await other.cancel(committed.batch_id)).answer.state, 'committed');
    assert.equal(await count(), 1);
    assert.equal((await other.cancel(randomUUID())).status, 404);
  });

  it('D7: two batches at once both go in; of two with the same primary key one does', async (t) => {
    const answers = await Promise.all([server.send(good.repeat(1_000)), other.send(good.repeat(2_000))]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201],
    );
    assert.equal(await count(), 3_000);
    await query('CREATE TABLE once (code text PRIMARY KEY, n integer)');
    const columns = { code: text(), n: integer() };
    const { send } = await serveBulk(
      t,
      opened.warehouse,
      bulk({ name: 'once', path: '/once', table: 'once', columns, onConflict: 'insert' }),
    );
    const two = await Promise.all([send(keyed(0)), send(keyed(499))]);
    assert.deepEqual(two.map(({ status }) => String(status)).toSorted(), ['201', '422']);
    const refused = two.find(({ status }) => status === 422);
    assert.deepEqual(
      refused?.answer.errors?.map(({ value, reason }) => [value, reason]),
      [['499', 'is in once already']],
    );
    assert.equal(await count('once'), 500);
  });

  it('a status and its key are forgotten a month after the end, and never while it is under way', async (t) => {
    const [old, young, running] = [randomUUID(), randomUUID(), randomUUID()];
    for (const key of [old, young]) await server.send(good, { ...csv, 'idempotency-key': key });
    await begun(t, running, good);
    await query(`UPDATE tributary_batches SET ended_at = now() - interval '31 days' WHERE idempotency_key = '${old}'`);
    await query(
      `UPDATE tributary_batches SET ended_at = now() - interval '29 days' WHERE idempotency_key = '${young}'`,
    );
    await query(
      `UPDATE tributary_batches SET received_at = now() - interval '40 days' WHERE idempotency_key = '${running}'`,
    );
    const next = await serveBulk(t, opened.warehouse, pricesBulk());
    await next.send('AAAAA,NONE,2021-01-01,1');
    const found = await Promise.all([old, young, running].map((key) => next.statusOfKey(key)));
    assert.deepEqual(
      found.map(({ status, answer }) => [status, answer.state]),
      [
        [404, undefined],
        [200, 'committed'],
        [200, 'receiving'],
      ],
    );
  });

  it('each batch is counted by its outcome, and its phases are timed', async (t) => {
    const metrics = createMetrics();
    const observer = bulkObserver('prices', metrics, createLogger({ level: 'fatal' }));
    const { send } = await serveBulk(t, opened.warehouse, pricesBulk(), observer);
    const headers = { ...csv, 'idempotency-key': randomUUID() };
    await send(good.repeat(4), headers);
    await send(good.repeat(4), headers);
    await send(good, headers); // other rows
    await send(good.repeat(5), csv, '?dry_run=true');
    await send('AAAAA,NONE,2021-01-01,1\n');
    const valuesOf = async (name: string): Promise<Readonly<Record<string, number>>> => {
      const { values } = await metrics.registry.getSingleMetric(name)!.get();
      return Object.fromEntries(
        values
          .filter((value) => !/_(?:bucket|sum)$/.test((value as { metricName?: string }).metricName ?? ''))
          .map(({ labels, value }) => [String(labels['outcome'] ?? labels['phase']), value]),
      );
    };
    assert.deepEqual(await valuesOf('tributary_bulk_batches_total'), {
      committed: 1,
      repeated: 1,
      refused: 1,
      checked: 1,
      rejected: 1,
    });
    const rows = { committed: 4, repeated: 4, refused: 0, checked: 5, rejected: 1 };
    assert.deepEqual(await valuesOf('tributary_bulk_rows_total'), rows);
    assert.deepEqual(await valuesOf('tributary_bulk_phase_seconds'), { receiving: 3, validating: 3, inserting: 1 });
    assert.deepEqual(await valuesOf('tributary_bulk_in_progress'), { receiving: 0, validating: 0, inserting: 0 });
    const bytes = 9 * good.length + 'AAAAA,NONE,2021-01-01,1\n'.length;
    assert.match(
      await metrics.registry.metrics(),
      new RegExp(`^tributary_bulk_bytes_total\\{bulk="prices"\\} ${bytes}$`, 'm'),
    );
  });

  it('a table of statuses from before is brought up to date, and what it has stays', async (t) => {
    const older = await openTestServer();
    t.after(() => older.close());
    await older.warehouse.pool.query(`${tables};
      CREATE TABLE tributary_batches (
        id uuid PRIMARY KEY, bulk text NOT NULL, idempotency_key text, digest text,
        state text NOT NULL CHECK (state IN ('receiving', 'validating', 'committed', 'rejected')),
        rows bigint NOT NULL DEFAULT 0, error_count bigint NOT NULL DEFAULT 0, errors jsonb NOT NULL DEFAULT '[]',
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(), validating_at timestamptz, ended_at timestamptz);
      CREATE UNIQUE INDEX tributary_batches_key ON tributary_batches (bulk, idempotency_key) WHERE state <> 'rejected';
      CREATE INDEX tributary_batches_under_way ON tributary_batches (id) WHERE state IN ('receiving', 'validating');
      INSERT INTO tributary_batches (id, bulk, idempotency_key, state, rows, ended_at)
        VALUES ('00000000-0000-4000-8000-000000000000', 'prices', 'old', 'committed', 7, now())`);
    const { send, statusOfKey } = await serveBulk(t, older.warehouse, pricesBulk());
    const { status, answer } = await send(good, csv, '?dry_run=true');
    assert.deepEqual([status, answer.state], [200, 'checked']);
    assert.equal((await statusOfKey('old')).answer.rows, 7);
  });
});
