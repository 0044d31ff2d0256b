/**
 * Types flow from the schema to the row: each `@ts-expect-error` below is a mistake that must not compile (`tsc` reads
 * this file, and an unused `@ts-expect-error` is an error). What only types refuse is not run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  definePipeline,
  http,
  type Json,
  json,
  jsonb,
  objects,
  type Pipeline,
  type RecordMetadata,
  registered,
  table,
  text,
  type Timestamp,
  timestampOf,
  timestamptz,
  toUuid,
  type Uuid,
  uuid,
} from 'tributary';

interface Visit {
  page: { url: string; ms: number };
  visitor: string;
}
interface Stored extends Visit {
  metadata: RecordMetadata;
  time: Timestamp;
  id: Uuid;
}

const addMetadata = (visit: Visit, metadata: RecordMetadata): Stored => ({
  ...visit,
  metadata,
  time: timestampOf(metadata.publishTime) as Timestamp,
  id: toUuid(metadata.correlationId) as Uuid,
});

const columns = { at: timestamptz(), id: uuid(), url: text(), page: jsonb() };
const rowOf = (e: Stored) => ({ at: e.time, id: e.id, url: e.page.url, page: json(e.page) });
const visits = table({ name: 'visits', columns, partitionBy: { column: 'at', every: 'month' }, row: rowOf });
const normalise = (): Visit => ({ page: { url: '/', ms: 1 }, visitor: 'v' });
const byDay = { column: 'at', every: 'month' } as const;

/** The parts of a pipeline that compiles: each mistake below changes one of them. */
const parts = {
  name: 'visits',
  source: http.post('/visits'),
  normalise,
  verbatim: ['page'],
  schema: registered<Visit>('visits-value'),
  topic: { name: 'visits', key: (visit: Visit) => visit.visitor },
  deadLetterTopic: 'visits.dead',
  process: { transform: addMetadata, onInvalid: 'drop' },
  sinks: [visits],
} as const;

test('a pipeline without annotations on its inner functions compiles where both types are named', () => {
  const pipeline = definePipeline<Visit, Stored>({
    ...parts,
    schema: registered('visits-value'),
    topic: { name: 'visits', key: (visit) => visit.visitor },
    process: { transform: (visit, metadata) => addMetadata(visit, metadata), onInvalid: 'halt' },
    sinks: [
      objects({ key: (e) => `visits/${e.page.url}/${e.metadata.schemaId}` }),
      table({
        name: 'visits',
        columns,
        partitionBy: { column: 'at', every: 'month' },
        indexes: [['url'], ['id', 'at']],
        row: (e) => ({ at: e.time, id: e.id, url: e.page.url, page: json(e.page) }),
      }),
    ],
  });
  assert.equal(pipeline.sinks.length, 2);
});

test('the event is inferred from the schema, the output from the transform', () => {
  const pipeline = definePipeline({
    ...parts,
    topic: { name: 'visits', key: (visit) => visit.visitor },
    process: { transform: (visit, metadata) => addMetadata(visit, metadata), onInvalid: 'halt' },
    sinks: [visits, objects({ key: (e: Stored) => `visits/${e.page.url}` })],
  });
  assert.equal(pipeline.topic.key(normalise()), 'v');
});

const base = { name: 'visits', columns, partitionBy: byDay } as const;

/** For the compiler only. */
export const mistakesInTables = {
  // @ts-expect-error -- `link` is no column
  name: () => table({ ...base, row: ({ time, id, page }: Stored) => ({ at: time, id, link: 'x', page: json(page) }) }),
  // @ts-expect-error -- `url` is missing
  missing: () => table({ ...base, row: ({ time, id, page }: Stored) => ({ at: time, id, page: json(page) }) }),
  // @ts-expect-error -- `more` is no column
  extra: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), more: 'x' }) }),
  // @ts-expect-error -- a string is no Timestamp
  timestamp: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), at: '2026' }) }),
  // @ts-expect-error -- a string is no Uuid
  uuid: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), id: e.visitor }) }),
  // @ts-expect-error -- what toUuid answers may be none
  noUuid: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), id: toUuid('x') }) }),
  // @ts-expect-error -- a string is no Json
  json: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), page: e.page.url }) }),
  // @ts-expect-error -- an object is no Json either
  object: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), page: e.page }) }),
  // @ts-expect-error -- a number is no text
  number: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), url: e.page.ms }) }),
  // @ts-expect-error -- a Timestamp is no Uuid
  crossed: () => table({ ...base, row: (e: Stored) => ({ ...rowOf(e), id: e.time }) }),
  // @ts-expect-error -- there is no column `day`
  partition: () => table({ ...base, partitionBy: { column: 'day', every: 'month' }, row: rowOf }),
  // @ts-expect-error -- `url` is no time
  partitionByText: () => table({ ...base, partitionBy: { column: 'url', every: 'month' }, row: rowOf }),
  // @ts-expect-error -- `page` is no time, for all that both are strings
  partitionByJson: () => table({ ...base, partitionBy: { column: 'page', every: 'month' }, row: rowOf }),
  // @ts-expect-error -- there is no column `link`
  index: () => table({ ...base, indexes: [['link']], row: rowOf }),
  // @ts-expect-error -- no such option
  option: () => table({ ...base, index: [['url']], row: rowOf }),
};

const ofId = (e: { id: string }): { id: string } => e;

/** For the compiler only. */
export const mistakesInPipelines: Readonly<Record<string, () => Pipeline>> = {
  // @ts-expect-error -- an event has no `user`
  key: () => definePipeline({ ...parts, topic: { name: 'visits', key: (visit) => visit.user } }),
  // @ts-expect-error -- a key is a string
  keyType: () => definePipeline({ ...parts, topic: { name: 'visits', key: (visit) => visit.page.ms } }),
  // @ts-expect-error -- an event has no member `body`
  verbatim: () => definePipeline({ ...parts, verbatim: ['body'] }),
  // @ts-expect-error -- not what the schema describes
  normalise: () => definePipeline({ ...parts, normalise: () => ({ page: { url: '/' }, visitor: 'v' }) }),
  // @ts-expect-error -- not the schema of these events
  schema: () => definePipeline({ ...parts, schema: registered<{ id: string }>('visits-value') }),
  // @ts-expect-error -- a schema without a type says nothing of its events
  noSchema: () => definePipeline({ ...parts, schema: registered('visits-value') }),
  // @ts-expect-error -- the transform's output has no time
  sink: () => definePipeline({ ...parts, process: { transform: (visit: Visit) => visit, onInvalid: 'drop' } }),
  // @ts-expect-error -- an output has no `host`
  prefix: () => definePipeline({ ...parts, sinks: [objects({ key: (e: Stored & { host: string }) => e.host })] }),
  // @ts-expect-error -- the transform takes another event
  transform: () => definePipeline({ ...parts, process: { transform: ofId, onInvalid: 'drop' }, sinks: [] }),
  // @ts-expect-error -- 'ignore' is no answer to an invalid event
  onInvalid: () => definePipeline({ ...parts, process: { transform: addMetadata, onInvalid: 'ignore' } }),
  // @ts-expect-error -- no such member
  extra: () => definePipeline({ ...parts, topics: [] }),
};

const vote = { path: '/vote', parameters: ['visitor'], event: normalise, answer: () => 'ok' } as const;
const { normalise: _normalise, verbatim: _verbatim, ...ofRequests } = parts;
const wrongEvent = { ...vote, event: () => ({ visitor: 'v' }) };

test('endpoints of one pipeline may make events that differ, without annotations', () => {
  const comment = { ...vote, path: '/comment' };
  const source = http.requests<Visit>([{ ...vote, answer: (visit) => visit.page.url }, comment]);
  assert.equal(definePipeline<Visit, Stored>({ ...ofRequests, source }).source, source);
});

const votes = http.requests<Visit>;

/** For the compiler only. */
export const mistakesInRequests = {
  // @ts-expect-error -- not what the schema describes
  event: () => votes([wrongEvent]),
  // @ts-expect-error -- an event has no `user`
  member: () => votes([{ ...vote, answer: (visit) => visit.user }]),
  // @ts-expect-error -- an answer is text
  answer: () => votes([{ ...vote, answer: (visit) => visit.page }]),
  // @ts-expect-error -- another event than the schema's
  other: () => definePipeline({ ...ofRequests, source: http.requests<{ id: string }>([]) }),
  // @ts-expect-error -- named on the pipeline, it holds for the endpoints
  pipeline: () => definePipeline<Visit, Stored>({ ...ofRequests, source: http.requests([wrongEvent]) }),
};

/** For the compiler only: without annotations and without named types `e` is unknown, never `any`. */
export const unknownOutput = (): Pipeline =>
  definePipeline({
    ...parts,
    // @ts-expect-error -- `e` is unknown
    sinks: [objects({ key: (e) => e.page.url })],
  });

// @ts-expect-error -- text is no Json until it is said to be
export const notJson: Json = '{}';
