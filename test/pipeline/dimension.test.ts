/** What a dimension may be: the mistakes that do not compile, and those that only `definePipeline` can tell. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bigint,
  definePipeline,
  dimension,
  http,
  jsonb,
  type LocalTime,
  localTimeOf,
  nullable,
  registered,
  text,
  timestamp,
  type Uuid,
  uuid,
} from 'tributary';
import { isFault } from '../../src/errors.ts';

interface Told {
  readonly id: number;
  readonly at: LocalTime;
  readonly note: string | null;
  readonly event: Uuid;
}

const columns = { id: bigint(), at: timestamp(), note: nullable(text()), event: uuid() };
const parts = { name: 'things', columns, key: ['id'], order: ['at', 'event'], correlationId: 'event' } as const;
const right = dimension({ ...parts, history: 'thing_history', row: (told: Told): Told => told });

const row = (told: Told): Told => told;

test('mistakes in a dimension do not compile', () => {
  dimension({ ...parts, row: (told: Told) => (told.id > 0 ? told : undefined) });
  // @ts-expect-error -- no such column
  dimension({ ...parts, key: ['ids'], row });
  // @ts-expect-error -- it may be NULL
  dimension({ ...parts, order: ['note'], row });
  // @ts-expect-error -- JSON has no order
  dimension({ ...parts, columns: { ...columns, at: jsonb() }, row: () => undefined });
  // @ts-expect-error -- no UUID
  dimension({ ...parts, correlationId: 'note', row });
  // @ts-expect-error -- a column is missing
  dimension({ ...parts, row: ({ id, at, event }: Told) => ({ id, at, event }) });
  // @ts-expect-error -- a column too many
  dimension({ ...parts, row: (told: Told) => ({ ...told, more: 1 }) });
  assert.equal(right.keep, 'last');
});

function define(sink: object, more: object = {}): string {
  try {
    const definition = {
      name: 'things',
      source: http.post('/things'),
      schema: registered('things-value'),
      topic: { name: 'things', key: () => '' },
      deadLetterTopic: 'things.dead',
      process: { transform: (event: object) => event, onInvalid: 'drop' },
      sinks: [sink],
      ...more,
    };
    definePipeline(definition as never);
    return 'none';
  } catch (error) {
    assert.ok(isFault(error, 'PIPELINE_INVALID'), String(error));
    return error.message;
  }
}

test('what is wrong in a dimension is told with its path', () => {
  assert.equal(define(right), 'none');
  const wrong: readonly (readonly [path: string, change: object])[] = [
    ['name', { name: 'Things' }],
    ['schema', { schema: 'a.b' }],
    ['key', { key: [] }],
    ['key[0]', { key: ['nothing'] }],
    ['key[0]', { key: ['note'] }],
    ['order', { order: [] }],
    ['order[1]', { order: ['at', 'id'] }],
    ['order[1]', { order: ['at', 'at'] }],
    ['order[0]', { order: ['event'] }],
    ['keep', { keep: 'newest' }],
    ['history', { keep: 'first' }],
    ['history', { history: 'things' }],
    ['history', { history: 'Thing-history' }],
    ['columns.valid_to', { columns: { ...columns, valid_to: timestamp() } }],
    ['columns.note.type', { columns: { ...columns, note: { type: 'varchar' } } }],
    ['correlationId', { correlationId: 'at' }],
    ['row', { row: 'id' }],
    ['partitionBy', { partitionBy: { column: 'at', every: 'month' } }],
  ];
  for (const [path, change] of wrong)
    assert.match(
      define({ ...right, ...change }),
      new RegExp(`: sinks\\[0\\]\\.${path.replaceAll(/[[\]]/g, '\\$&')}: `),
      path,
    );
  assert.match(define(right, { migrations: 'warehouse/' }), /migrations: expected the URL of a directory/);
  assert.match(define(right, { migrations: new URL('file:///a/file') }), /migrations: expected the URL of a directory/);
});

test('times without a zone are on days and at hours that there are', () => {
  for (const time of ['2022-04-01 12:00:00', '2024-02-29 00:00:00', '0001-01-01 00:00:00', '9999-12-31 23:59:59'])
    assert.equal(localTimeOf(time), time);
  for (const time of [
    '2022-04-01T12:00:00',
    '2022-04-01 12:00:00Z',
    '2022-04-01 12:00:00.5',
    '2022-04-01 24:00:00',
    '2022-04-01 12:60:00',
    '2022-02-30 12:00:00',
    '0000-01-01 00:00:00',
    '2022-4-1 12:00:00',
    ' 2022-04-01 12:00:00',
    '2022-04-01 12:00:00\n',
    '',
  ])
    assert.equal(localTimeOf(time), undefined, JSON.stringify(time));
});
