import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { type PoolClient, escapeIdentifier } from 'pg';
import { isFault } from '../../src/errors.ts';
import type { Timestamp } from '../../src/event/time.ts';
import type { Json } from '../../src/event/verbatim.ts';
import type { TableSink } from '../../src/pipeline/pipeline.ts';
import { cutConnection } from '../../src/stores/warehouse/connection-pool.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import {
  batchOf,
  type EventBatch,
  eventAt,
  idsOf,
  land,
  newPartition,
  sinkContract,
  stage,
} from '../contracts/sink.ts';
import { type TestWarehouse, openTestEmbedded, openTestServer } from '../support/postgres-server.ts';
import { type TableEvent, landedIn, sinkInto, tableOf, uuidOf } from '../support/table-events.ts';
import { untilAnswered } from '../support/until-answered.ts';

for (const [driver, open] of Object.entries({ embedded: openTestEmbedded, server: openTestServer }))
  sinkContract(`postgres, ${driver}`, async () => {
    const opened = await open();
    const { warehouse } = opened;
    const definition = tableOf('contract');
    return {
      sink: () => sinkInto(warehouse, definition),
      landed: async (at) => {
        const exists = await warehouse.pool.query(`SELECT to_regclass('contract') IS NOT NULL AS is`);
        return exists.rows[0].is ? landedIn(warehouse, 'contract', at) : [];
      },
      fences: true,
      close: () => opened.close(),
    };
  });

let tables = 0;
const newTable = (): TableSink<TableEvent> => tableOf(`table_${tables++}`);

function batch(events: readonly TableEvent[]): EventBatch<TableEvent> {
  return { from: 0, to: events.length, events: events.map((event, offset) => ({ offset, event })) };
}

const timeAndType = ({ time, type }: Record<string, unknown>): string => JSON.stringify([time, type]);

describe('postgres sink', () => {
  let opened: TestWarehouse;
  let warehouse: Warehouse;
  before(async () => {
    opened = await openTestEmbedded();
    warehouse = opened.warehouse;
  });
  after(() => opened.close());

  const rows = async (sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
    (await warehouse.pool.query(sql, values)).rows;
  const partitionsOf = async (table: string): Promise<unknown[]> =>
    (
      await rows(
        `SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = $1::regclass AND relkind = 'r' ORDER BY 1`,
        [escapeIdentifier(table)],
      )
    ).map(({ relname }) => relname);
  it('makes the table as declared, with the default names of its indexes', async () => {
    const table = newTable();
    await sinkInto(warehouse, table).open(newPartition());
    assert.deepEqual(
      await rows(
        `SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
        [table.name],
      ),
      [
        { attname: 'timestamp_stamp', type: 'timestamp with time zone', attnotnull: true },
        { attname: 'message_id_stamp', type: 'uuid', attnotnull: true },
        { attname: 'type', type: 'text', attnotnull: true },
        { attname: 'data', type: 'jsonb', attnotnull: true },
      ],
    );
    assert.deepEqual(await rows(`SELECT indexname FROM pg_indexes WHERE tablename = $1`, [table.name]), [
      { indexname: `${table.name}_type_idx` },
    ]);
    assert.deepEqual(await rows(`SELECT pg_get_partkeydef($1::regclass) AS key`, [table.name]), [
      { key: 'RANGE (timestamp_stamp)' },
    ]);
  });

  it('quotes names, whatever is in them', async () => {
    const plain = newTable();
    const definition: TableSink<TableEvent> = {
      ...plain,
      name: `we"ird; Table`,
      columns: { 'Ti me"': plain.columns['timestamp_stamp']!, "ty'pe": plain.columns['type']! },
      partitionBy: { column: 'Ti me"', every: 'month' },
      indexes: [["ty'pe", 'Ti me"']],
      row: ({ time, id }) => ({ 'Ti me"': time, "ty'pe": id }),
    };
    const at = newPartition();
    for (const from of [0, 2]) await land(await sinkInto(warehouse, definition).open(at), batchOf(at, from, from + 2));
    assert.equal((await rows(`SELECT * FROM "we""ird; Table"`)).length, 4);
  });

  it('many openers at once agree on one table', async () => {
    const table = newTable();
    const { topic } = newPartition();
    const all = [0, 1, 2, 3, 4, 5].map((partition) => ({ topic, partition }));
    await Promise.all(all.map(async (at) => land(await sinkInto(warehouse, table).open(at), batchOf(at, 0, 5))));
    assert.equal((await rows(`SELECT 1 FROM ${table.name}`)).length, 30);
    assert.deepEqual(await partitionsOf(table.name), [`${table.name}_2024_02`]);
  });

  it('says how a table that is there differs', async () => {
    const columns = 'timestamp_stamp timestamptz NOT NULL, message_id_stamp uuid NOT NULL, data jsonb NOT NULL';
    const key = 'PARTITION BY RANGE (timestamp_stamp)';
    const cases: [string, RegExp | undefined][] = [
      [`(${columns}) ${key}`, /has no column type/],
      [`(${columns}, type varchar(9) NOT NULL) ${key}`, /column type is of type character varying\(9\), not text/],
      [`(${columns}, type text) ${key}`, /column type is not NOT NULL/],
      [`(${columns}, type text NOT NULL, more int NOT NULL) ${key}`, /column more, which/],
      [`(${columns}, type text NOT NULL)`, /not partitioned/],
      [`(${columns}, type text NOT NULL) PARTITION BY LIST (type)`, /partitioned by LIST \(type\)/],
      [`(${columns}, type text NOT NULL, more int DEFAULT 1 NOT NULL, note text) ${key}`, undefined],
    ];
    for (const [ddl, message] of cases) {
      const table = newTable();
      await rows(`CREATE TABLE ${table.name} ${ddl}`);
      const opening = sinkInto(warehouse, table).open(newPartition());
      if (message === undefined) await land(await opening, batchOf(newPartition(), 0, 1));
      else
        await assert.rejects(
          opening,
          (error) => isFault(error, 'WAREHOUSE_TABLE_DIFFERS') && message.test(error.message),
        );
    }
    assert.equal((await rows('SELECT 1 AS one'))[0]?.['one'], 1);
  });

  it('keeps every value as it was', async () => {
    const table = newTable();
    const sink = sinkInto(warehouse, table);
    const time = fc
      .tuple(
        fc.date({
          min: new Date('0001-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59.999Z'),
          noInvalidDate: true,
        }),
        fc.nat(999),
      )
      .map(([date, micros]) => `${date.toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`);
    const limits = fc.constantFrom(
      '0001-01-01T00:00:00.000000Z',
      '9999-12-31T23:59:59.999999Z',
      '2000-01-01T00:00:00.000000Z',
    );
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.stringMatching(/^[\\\n\r\t."',{}N]{0,9}$/),
      fc.integer({ min: 90, max: 40_000 }).map((length) => 'ä'.repeat(length)),
    );
    const event = fc.record({
      time: fc.oneof(time, limits),
      type: anyText.map((value) => value.replaceAll('\0', '')),
      data: fc.constantFrom(
        '{"a": 1.1234567890123456789012345}',
        '{"big":\n\t12345678901234567890, "é": "\\\\u0041\\n"}',
        '{}',
        `"${'x'.repeat(70_000)}"`,
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 6 }), async (values) => {
        const at = newPartition();
        const events = values.map((each, offset) => ({ id: `${at.topic} 0 ${offset}`, ...each }) as TableEvent);
        await land(await sink.open(at), batch(events));
        const found = await rows(
          `SELECT type, data::text AS data, to_char(timestamp_stamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time,
             $2::jsonb[] @> ARRAY[data] AS same FROM ${table.name} WHERE message_id_stamp = ANY ($1)`,
          [events.map(({ id }) => uuidOf(id)), events.map(({ data }) => data)],
        );
        assert.ok(found.every(({ same }) => same));
        assert.deepEqual(found.map(timeAndType).toSorted(), events.map((each) => timeAndType({ ...each })).toSorted());
      }),
      { numRuns: 60 },
    );
    assert.equal(
      (await rows(`SELECT 1 FROM ${table.name} WHERE data::text = '{"a": 1.1234567890123456789012345}' LIMIT 1`))
        .length,
      1,
    );
  });

  it('D2: finds the rows that PostgreSQL refuses, says why, and takes all others', async () => {
    const table = newTable();
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    const bad: Record<number, [Partial<TableEvent>, path: string, RegExp]> = {
      0: [{ data: '{"a": 1e200000}' as Json }, 'data', /overflow|out of range/],
      700: [{ type: randomBytes(10_000).toString('base64') }, '', /index row size|index row requires/],
      701: [{ type: 'a\0b' }, 'type', /0x00/],
      1500: [{ data: '{"a": "\\u0000"}' as Json }, 'data', /Unicode/],
      1501: [{ data: '{' as Json }, 'data', /json/],
      1502: [{ data: '['.repeat(60_000) as Json }, 'data', /stack depth|json/],
      2998: [{ time: '2024-02-30T00:00:00.000000Z' as Timestamp }, 'timestamp_stamp', /date/],
      2999: [{ bad: true }, 'data.bad', /good/],
    };
    const whole = batchOf(at, 0, 3000);
    const events = whole.events.map(({ offset, event }) => ({ offset, event: { ...event, ...bad[offset]?.[0] } }));
    const staged = await stage(partition, { ...whole, events });
    const rejected = staged.rejected.toSorted((a, b) => a.offset - b.offset);
    assert.deepEqual(
      rejected.map(({ offset, path }) => [offset, path]),
      Object.entries(bad).map(([offset, [, path]]) => [Number(offset), path]),
    );
    for (const { offset, message } of rejected) assert.match(message, bad[offset]![2]);
    await staged.commit();
    const offsets = Object.keys(bad).map(Number);
    assert.deepEqual(await landedIn(warehouse, table.name, at), idsOf(batchOf(at, 0, 3000, offsets)));
  });

  it('D2: a batch of which every row is refused is told whole', async () => {
    const at = newPartition();
    const partition = await sinkInto(warehouse, newTable()).open(at);
    const events = Array.from({ length: 300 }, (_, offset) => eventAt(at, offset, { data: '1e200000' as Json }));
    const staged = await stage(partition, batch(events));
    await staged.abort();
    const { rejected } = staged;
    assert.deepEqual(
      rejected.map(({ offset }) => offset),
      events.map((_, offset) => offset),
    );
  });

  it('makes partitions for months of any year, in a race too, and remembers them', async () => {
    const table = newTable();
    const times = [
      '0001-01-01T00:00:00.000000Z',
      '0099-12-31T23:59:59.999999Z',
      '2024-12-31T23:59:59.999999Z',
      '2025-01-01T00:00:00.000000Z',
      '9999-12-31T23:59:59.999999Z',
    ];
    const { topic } = newPartition();
    await Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const at = { topic, partition };
        const events = times.map((time, offset) => eventAt(at, offset, { time: time as Timestamp }));
        await land(await sinkInto(warehouse, table).open(at), batch(events));
      }),
    );
    const months = ['0001_01', '0099_12', '2024_12', '2025_01', '9999_12'];
    assert.deepEqual(
      await partitionsOf(table.name),
      months.map((month) => `${table.name}_${month}`),
    );
    assert.deepEqual(
      await rows(`SELECT count(*)::int AS n, count(DISTINCT (tableoid, timestamp_stamp))::int AS d FROM ${table.name}`),
      [{ n: 20, d: 5 }],
    );
    assert.equal((await rows(`SELECT 1 FROM pg_indexes WHERE tablename LIKE $1`, [`${table.name}\\_%\\_%`])).length, 5);
  });

  it('a long SELECT neither waits for a new partition nor keeps it waiting', async (t) => {
    const table = newTable();
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    await land(partition, batchOf(at, 0, 10));
    const reader = await warehouse.pool.connect();
    t.after(() => reader.release(true));
    await reader.query('BEGIN');
    await reader.query(`SELECT * FROM ${table.name}`); // holds its lock until the end of the transaction
    const time = '2031-05-05T00:00:00.000000Z' as Timestamp;
    const march = { from: 10, to: 11, events: [{ offset: 10, event: eventAt(at, 10, { time }) }] };
    const staged = await stage(partition, march);
    assert.equal((await reader.query(`SELECT * FROM ${table.name}`)).rowCount, 10);
    await staged.commit();
    assert.equal((await reader.query(`SELECT * FROM ${table.name}`)).rowCount, 11);
    await reader.query('COMMIT');
  });

  it('makes a partition again that somebody dropped', async () => {
    const table = newTable();
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    await land(partition, batchOf(at, 0, 10));
    await rows(`DROP TABLE ${table.name}_2024_02`);
    await land(partition, batchOf(at, 10, 20));
    assert.deepEqual(await landedIn(warehouse, table.name, at), idsOf(batchOf(at, 10, 20)));
  });

  it('says when a table that is not ours has the name of a partition', async () => {
    const table = newTable();
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    await rows(`CREATE TABLE ${table.name}_2024_02 (a int)`);
    await assert.rejects(stage(partition, batchOf(at, 0, 1)), (error) => isFault(error, 'WAREHOUSE_TABLE_DIFFERS'));
  });

  it('D3: a commit whose answer is lost is found out when the batch is staged again', async () => {
    const table = newTable();
    const at = newPartition();
    const partition = await sinkInto(warehouse, table).open(at);
    let client: PoolClient | undefined;
    const acquired = (lent: PoolClient): void => {
      client = lent;
    };
    warehouse.pool.on('acquire', acquired);
    let lost = 0;
    for (let from = 0; from < 200;) {
      try {
        const staged = await stage(partition, batchOf(at, from, from + 10));
        const committing = staged.commit();
        const turns = lost % 4; // of the event loop, after which the connection is cut: before, while or after it is answered
        for (let i = 1; i < turns; i++) await setImmediate();
        if (lost % 3 !== 2) cutConnection(client as PoolClient);
        await committing;
        from += 10;
        lost += 1;
      } catch {
        lost += 1;
      }
    }
    warehouse.pool.off('acquire', acquired);
    assert.ok(lost > 25, `only ${lost - 20} answers lost`);
    assert.deepEqual(await untilAnswered(() => landedIn(warehouse, table.name, at)), idsOf(batchOf(at, 0, 200)));
  });

  it('keeps checkpoints of different logs apart', async () => {
    const table = newTable();
    const at = newPartition();
    await land(await sinkInto(warehouse, table, 'one').open(at), batchOf(at, 0, 5));
    assert.equal((await sinkInto(warehouse, table, 'one').open(at)).next, 5);
    assert.equal((await sinkInto(warehouse, table, 'two').open(at)).next, 0);
  });

  it('gives every connection back', async () => {
    assert.equal(warehouse.pool.totalCount, warehouse.pool.idleCount);
  });
});
