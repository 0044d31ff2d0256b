/** Objects in Parquet: what every sink promises, the bytes, the values, and one table of all of them in DuckDB. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { Reject } from '../../src/event/reject.ts';
import { attachVerbatim, stringifyEvent } from '../../src/event/verbatim.ts';
import { comparableLine, linesOf } from '../../src/sinks/object-lines.ts';
import { createObjectsSink } from '../../src/sinks/objects/objects-sink.ts';
import { parquet } from '../../src/sinks/objects/parquet/parquet-format.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { sinkContract, type TestEvent } from '../contracts/sink.ts';
import { digest, lakeEvent, lakeFormat, objectOf, schemaOf } from '../support/parquet-events.ts';

function keyOf({ bad }: TestEvent): string {
  if (bad) throw new Reject('data.bad', 'something good');
  return 'events';
}

sinkContract('objects in Parquet on a directory', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-parquet-'));
  const store = await openDirectoryStore({ dir });
  const schema = schemaOf('JSON', { properties: { id: { type: 'string' }, time: { type: 'string' } } });
  return {
    sink: () =>
      createObjectsSink<TestEvent>({ store, name: 'objects', key: keyOf, format: async () => parquet(schema, []) }),
    landed: async ({ topic, partition }) => {
      const firsts: number[] = [];
      const start = `events/${topic}-${partition}-`;
      for await (const found of store.list(start)) firsts.push(Number(/(\d+)\.parquet$/.exec(found)?.[1]));
      const ids: string[] = [];
      for (const first of firsts.toSorted((a, b) => a - b)) {
        const name = `${start}${first}.parquet`;
        const lines = await linesOf(name, (await store.get(name)) as Buffer);
        ids.push(...lines.map((line) => (JSON.parse(line) as TestEvent).id));
      }
      return ids;
    },
    fences: false,
    close: () => rm(dir, { recursive: true }),
  };
});

suite('Parquet', () => {
  test('D3: the same events are the same bytes in another process, wherever it thinks it is', async () => {
    const script = join(import.meta.dirname, '../support/parquet-events.ts');
    const env = { ...process.env, TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env, cwd: tmpdir() });
    assert.equal(stdout, await digest());
    // Another writer, or other settings of it, are seen here: objects that a crash has left are then written again.
    assert.equal(stdout, '3af2f0d419633cf21ae7668e2e167ca25e1c2dc7ae39a605bceafa04b17de1d7');
  });

  test('the event loop turns while a large object is made (D6)', async () => {
    const lines = Buffer.from(
      Array.from({ length: 10_000 }, (_, i) => `${lakeFormat.serialise(lakeEvent(i))}\n`).join(''),
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    await lakeFormat.bodyOf(lines);
    clearInterval(timer);
    assert.ok(turns >= 4, `${turns} turns`);
  });

  test('what comes back is what went in, whatever is null, has no column or needs every digit', async () => {
    const schema = schemaOf('JSON', {
      properties: {
        id: { type: 'string' },
        whole: { type: 'integer' },
        real: { type: ['number', 'null'] },
        is: { type: 'boolean' },
        list: { type: 'array' },
        others: { type: 'string' },
        user: { type: 'object', properties: { name: { type: 'string' }, at: { properties: {}, type: 'object' } } },
      },
    });
    const format = parquet(schema, ['data']);
    const text = fc.string({ unit: 'grapheme' });
    const anything = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    const events = fc.array(
      fc.record(
        {
          id: fc.option(text),
          whole: fc.maxSafeInteger(),
          real: fc.option(fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => value + 0)),
          is: fc.boolean(),
          list: fc.array(fc.jsonValue()),
          others: text,
          user: fc.option(fc.record({ name: text, at: anything, more: fc.jsonValue() }, { requiredKeys: [] })),
          free: anything,
          data: fc.constantFrom('{"n": 1.50}', '{ "n": 1e400,\n "__proto__": [9007199254740993, null] }', '{}'),
        },
        { requiredKeys: [] },
      ),
      { minLength: 1, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(events, async (made) => {
        const sent = made.map(({ data, ...rest }) =>
          data === undefined ? rest : { ...rest, data: attachVerbatim({}, data) },
        );
        const lines = await linesOf('x.parquet', await objectOf(format, sent));
        assert.deepEqual(
          lines,
          sent.map((event) => comparableLine(stringifyEvent(event))),
        );
      }),
      { numRuns: 40 },
    );
  });

  test('what a column cannot hold as it is is refused, at its place', () => {
    const schema = schemaOf('JSON', {
      properties: {
        n: { type: 'integer' },
        x: { type: 'number' },
        a: { type: 'object', properties: { text: { type: 'string' }, is: { type: 'boolean' } } },
      },
    });
    const format = parquet(schema, []);
    for (const [event, path, got] of [
      [{ n: 2 ** 53 }, 'n', /got number 9007199254740992/],
      [{ n: 1.5 }, 'n', /64 bits.*got number 1.5/],
      [{ x: Infinity }, 'x', /double.*got number Infinity/],
      [{ x: '1' }, 'x', /got string "1"/],
      [{ a: { text: 'a\ud800' } }, 'a.text', /lone surrogate/],
      [{ a: { text: 7 } }, 'a.text', /got number 7/],
      [{ a: { is: 'true' } }, 'a.is', /true or false/],
      [{ a: [] }, 'a', /an object.*got array/],
    ] as const)
      assert.throws(
        () => format.serialise(event),
        (error) => error instanceof Reject && error.path === path && got.test(error.message),
      );
    assert.equal(format.serialise({ free: '\ud800' }), String.raw`[null,null,null,"{\"free\":\"\\ud800\"}"]`);
  });
});

async function withObjects(
  objects: Readonly<Record<string, Buffer>>,
  use: (rows: (sql: string) => Promise<readonly (readonly unknown[])[]>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-parquet-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const [key, body] of Object.entries(objects)) {
      await mkdir(dirname(join(dir, key)), { recursive: true });
      await writeFile(join(dir, key), body);
    }
    const lake = `read_parquet('${dir}/**/*.parquet', hive_partitioning = true)`;
    await use(async (sql) => (await connection.runAndReadAll(sql.replaceAll('lake', lake))).getRowsJS());
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(dir, { recursive: true });
  }
}

suite('Parquet in DuckDB', () => {
  test('all partitions of a lake are one table, whatever their events have', async () => {
    const anonymous = { ...lakeEvent(3), event_type: 'view' };
    const free = { ...lakeEvent(2, '{}'), later: { added: [1] } };
    await withObjects(
      {
        'events/event_type=view/date=2026-11-19/lake.raw-0-3.parquet': await objectOf(lakeFormat, [anonymous]),
        'events/event_type=click/date=2026-11-20/lake.raw-0-1.parquet': await objectOf(lakeFormat, [
          lakeEvent(1),
          free,
        ]),
      },
      async (rows) => {
        const types = (await rows('DESCRIBE FROM lake')).map(([name, type]) => `${String(name)} ${String(type)}`);
        assert.deepEqual(types, [
          'event_id VARCHAR',
          'user_id VARCHAR',
          'user STRUCT(user_id VARCHAR, age BIGINT, status VARCHAR, country VARCHAR, created_at VARCHAR)',
          'event_type VARCHAR',
          'source VARCHAR',
          'timestamp VARCHAR',
          'properties VARCHAR',
          'others VARCHAR',
          'date DATE',
        ]);
        const columns = `right(event_id, 1), event_type, date::VARCHAR, user_id, "user".age, "user".status, timestamp, properties, others`;
        const time = '2026-11-20T12:00:00.123456789+01:00';
        const age = BigInt(Number.MAX_SAFE_INTEGER);
        assert.deepEqual(await rows(`SELECT ${columns} FROM lake ORDER BY 1`), [
          ['1', 'click', '2026-11-20', 'user_1', null, null, time, '{ "amount": 11.50 }', null],
          ['2', 'click', '2026-11-20', 'user_2', age, 'frei für 😀', time, '{}', '{"later":{"added":[1]}}'],
          ['3', 'view', '2026-11-19', null, null, null, time, '{ "amount": 13.50 }', null],
        ]);
        assert.deepEqual(await rows(`SELECT (properties->>'$.amount')::DECIMAL(9, 2)::VARCHAR FROM lake ORDER BY 1`), [
          ['11.50'],
          ['13.50'],
          [null],
        ]);
      },
    );
  });

  test('64 bits, bytes, doubles that JSON has not, names of enums', async () => {
    const proto = `syntax = "proto3"; enum Kind { NONE = 0; } message E { int64 low = 1; uint64 high = 2; double real = 3; Kind kind = 4; bool is = 5; }`;
    const fromProtobuf = parquet(schemaOf('PROTOBUF', proto), []);
    const avro = { type: 'record', name: 'E', fields: [{ name: 'raw', type: 'bytes' }] };
    const fromAvro = parquet(schemaOf('AVRO', avro), []);
    const low = -(2n ** 63n);
    const high = 2n ** 64n - 1n;
    const events = [
      { low: String(low), high: String(high), real: NaN, kind: 'NONE', is: true },
      { low: 5, high: 0, real: -0, kind: 7, is: false },
      { real: -Infinity },
    ];
    await withObjects({ 'a.parquet': await objectOf(fromProtobuf, events) }, async (rows) => {
      assert.deepEqual(await rows('SELECT low, high, real, kind, "is" FROM lake'), [
        [low, high, NaN, 'NONE', true],
        [5n, 0n, -0, '7', false],
        [null, null, -Infinity, null, null],
      ]);
    });
    await withObjects({ 'a.parquet': await objectOf(fromAvro, [{ raw: Buffer.from([0, 255]) }]) }, async (rows) => {
      assert.deepEqual(await rows('SELECT hex(raw), typeof(raw) FROM lake'), [['00FF', 'BLOB']]);
    });
  });
});
