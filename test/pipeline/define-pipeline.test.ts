import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  count,
  definePipeline,
  http,
  jsonb,
  objects,
  pairs,
  registered,
  table,
  text,
  timestamptz,
  uuid,
  view,
} from 'tributary';
import { isFault } from '../../src/errors.ts';
import { parseTime } from '../../src/event/time.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';

interface Definition {
  [name: string]: unknown;
}

/** A definition that is right, as plain JavaScript would pass it. */
function definition(): Definition {
  return {
    name: 'visits-2',
    source: http.post('/visits'),
    normalise: () => ({}),
    verbatim: ['page'],
    schema: registered('visits-value'),
    topic: { name: 'visits', key: () => 'k' },
    deadLetterTopic: 'visits.dead',
    process: { transform: () => ({}), onInvalid: 'dead-letter', batch: { maxBytes: 1000, flushIntervalMs: 5 } },
    sinks: [objects({ key: () => 'visits' }), visitsTable()],
    views: [visitsView()],
  };
}

function visitsView(): Definition {
  const followups = pairs({ by: () => 'id', with: () => true, keptForDays: 30 });
  return { ...view({ name: 'by-page', counts: () => undefined, measures: { count: count(), followups } }) };
}

function visitsTable(): Definition {
  const columns = { at: timestamptz(), id: uuid(), url: text(), page: jsonb() };
  const partitionBy = { column: 'at', every: 'month' };
  return { ...table({ name: 'visits', columns, partitionBy, indexes: [['url', 'id']], row: () => ({}) } as never) };
}

function define(value: unknown): Pipeline {
  return definePipeline(value as Pipeline);
}

/** The definition with what stands at `path` replaced; `undefined` takes it away. */
function changed(path: string, value: unknown): Definition {
  const root = definition();
  const names = path.replaceAll('[', '.').replaceAll(']', '').split('.');
  const last = names.pop() as string;
  let at: Definition = root;
  for (const name of names) {
    const inner = at[name] as Definition;
    at = at[name] = (Array.isArray(inner) ? [...inner] : { ...inner }) as Definition;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  return root;
}

function problemOf(value: unknown): string {
  try {
    define(value);
  } catch (error) {
    assert.ok(isFault(error, 'PIPELINE_INVALID'), String(error));
    return error.message;
  }
  return 'none';
}

test('a definition that is right comes back as it is, with its defaults', () => {
  const given = definition();
  const pipeline = define(given);
  assert.deepEqual(pipeline, given);
  assert.deepEqual(pipeline.source, { kind: 'http', path: '/visits', maxEvents: 100_000, maxPackageBytes: 33_554_432 });
  assert.equal(pipeline.sinks[0]?.name, 'objects');
  const plain = table({
    name: 'v',
    columns: { at: timestamptz() },
    partitionBy: { column: 'at', every: 'month' },
    row: () => null as never,
  });
  assert.deepEqual(plain.indexes, []);
  assert.equal(objects({ name: 'archive', key: () => 'x' }).name, 'archive');
});

const wrong: readonly (readonly [path: string, value: unknown])[] = [
  ['name', 'Visits'],
  ['name', ''],
  ['name', '2visits'],
  ['name', undefined],
  ['source', undefined],
  ['source.kind', 'ftp'],
  ['source.path', 'visits'],
  ['source.path', '/visits/'],
  ['source.path', '/visits?x=1'],
  ['source.path', '/:id'],
  ['source.maxEvents', 0],
  ['source.maxEvents', 1.5],
  ['source.maxEvents', '100'],
  ['source.maxEvents', 2 ** 24 + 1],
  ['source.maxPackageBytes', -1],
  ['normalise', 'stamps'],
  ['verbatim', 'page'],
  ['verbatim[0]', 5],
  ['verbatim[1]', 'page'],
  ['schema', 'visits-value'],
  ['schema.subject', ''],
  ['topic.name', 'visits/raw'],
  ['topic.name', '..'],
  ['topic.name', 'v'.repeat(250)],
  ['topic.key', 'id'],
  ['deadLetterTopic', 'visits'],
  ['deadLetterTopic', null],
  ['process', undefined],
  ['process.transform', null],
  ['process.onInvalid', 'ignore'],
  ['process.batch', 5],
  ['process.batch.maxBytes', 0],
  ['process.batch.flushIntervalMs', 0],
  ['process.batch.flushEvents', 0],
  ['process.filter', 'test'],
  ['process.deduplicate', true],
  ['process.deduplicate', { key: 'id', windowHours: 1 }],
  ['process.deduplicate', { key: () => 'id', windowHours: 0.5 }],
  ['source.envelope', 'events'],
  ['source.envelope', { events: '', answer: () => ({}) }],
  ['source.envelope', { events: 'events', answer: {} }],
  ['sinks', []],
  ['sinks', {}],
  ['views', {}],
  ['views[0].name', 'By page'],
  ['views[0].counts', 'page'],
  ['views[0].measures', {}],
  ['views[0].measures.count', { kind: 'sum' }],
  ['views[0].measures.followups.by', 'id'],
  ['views[0].measures.followups.with', undefined],
  ['views[0].measures.followups.keptForDays', 0],
  ['views[0].measures.followups.keptForDays', 0.5],
  ['sinks[0]', null],
  ['sinks[0].kind', 'tables'],
  ['sinks[0].name', 'visits!'],
  ['sinks[0].key', 'x'],
  ['sinks[1].name', 'Visits'],
  ['sinks[1].name', 'v'.repeat(49)],
  ['sinks[1].row', undefined],
  ['sinks[1].columns', {}],
  ['sinks[1].columns', []],
  ['sinks[1].columns.Url', { type: 'text' }],
  ['sinks[1].columns.url', 'text'],
  ['sinks[1].columns.url.type', 'varchar'],
  ['sinks[1].partitionBy', 'at'],
  ['sinks[1].partitionBy.column', 'day'],
  ['sinks[1].partitionBy.column', 'url'],
  ['sinks[1].partitionBy.every', 'week'],
  ['sinks[1].indexes', 'url'],
  ['sinks[1].indexes[0]', []],
  ['sinks[1].indexes[0]', 'url'],
  ['sinks[1].indexes[0][0]', 'link'],
  ['sinks[1].indexes[0][1]', 'url'],
  ['sinks[1].indexes[1]', ['url', 'id']],
];

for (const [path, value] of wrong) {
  test(`what is wrong at ${path} is said with its path: ${JSON.stringify(value)?.slice(0, 40) ?? 'missing'}`, () => {
    const problem = problemOf(changed(path, value));
    const start = path === 'name' ? 'pipeline ' : 'pipeline "visits-2": ';
    assert.ok(problem.startsWith(start), problem);
    assert.ok(problem.includes(`: ${path}: `) || problem.includes(`: ${path}.`), problem);
  });
}

test('views and deduplication do not go together: views see events before it', () => {
  const deduplicate = { key: () => 'id', windowHours: 1 };
  assert.match(problemOf(changed('process.deduplicate', deduplicate)), /: views: expected none/);
});

test('an unknown name is refused with the nearest known one', () => {
  const near: readonly (readonly [path: string, nearest: string])[] = [
    ['normalize', 'normalise'],
    ['source.maxEvent', 'maxEvents'],
    ['schema.subjects', 'subject'],
    ['topic.keys', 'key'],
    ['process.oninvalid', 'onInvalid'],
    ['process.batch.flushIntervalms', 'flushIntervalMs'],
    ['sinks[0].keys', 'key'],
    ['sinks[1].index', 'indexes'],
    ['sinks[1].columns.url.typ', 'type'],
    ['sinks[1].partitionBy.columns', 'column'],
  ];
  for (const [path, nearest] of near) {
    const problem = problemOf(changed(path, 'x'));
    assert.ok(problem.includes(`${path}: there is no such setting; did you mean `), problem);
    assert.ok(problem.includes(`"${nearest}"`), problem);
  }
  assert.match(problemOf(changed('sinks[1].indexes[0][0]', 'ur')), /did you mean "url"/);
  assert.match(problemOf(changed('process.onInvalid', 'dead-leter')), /did you mean "dead-letter"/);
});

test('an option that the constructors do not know is found too', () => {
  const source = http.post('/visits', { maxEvent: 5 } as never);
  assert.match(
    problemOf({ ...definition(), source }),
    /source\.maxEvent: there is no such setting; did you mean "maxEvents"/,
  );
  const sinks = [objects({ key: () => 'x', prefix: 'y' } as never)];
  assert.match(problemOf({ ...definition(), sinks }), /sinks\[0\]\.prefix: there is no such setting/);
});

test('two sinks of one name are refused, naming both', () => {
  const sinks = [objects({ key: () => 'x' }), visitsTable(), objects({ key: () => 'y' })];
  assert.match(problemOf({ ...definition(), sinks }), /sinks\[2\]\.name: expected another name than sinks\[0\]\.name/);
});

test('what is no object is said to be none', () => {
  for (const value of [undefined, null, 5, 'collect', [], () => 5])
    assert.match(problemOf(value), /^pipeline without a name: expected an object, got /);
});

/** A definition of requests that is right. */
function ofRequests(change: Definition = {}, more: Definition = {}): Definition {
  const endpoint = { path: '/vote', parameters: ['voter', 'choice'], event: () => ({}), answer: () => 'ok' };
  const source = {
    kind: 'requests',
    endpoints: [
      { ...endpoint, path: '/polls/comment' },
      { ...endpoint, ...change },
    ],
  };
  const { normalise: _, verbatim: __, ...rest } = definition();
  return { ...rest, source, ...more };
}

test('a pipeline of requests comes back as it is, with its defaults', () => {
  const { timestamp: time } = parseTime('2026-01-01T00:00:00Z')!;
  const given = ofRequests();
  const { source, verbatim, normalise } = define(given);
  assert.deepEqual([source, verbatim, normalise({ a: 1 }, { time })], [given['source'], [], { a: 1 }]);
  assert.equal(problemOf(ofRequests({ parameters: [] })), 'none', 'an event may need nothing but its time');
});

test('what is wrong with requests is said with its path', () => {
  const cases: readonly (readonly [path: string, value: unknown])[] = [
    ['path', 'vote'],
    ['path', '/vote/'],
    ['path', '/:vote'],
    ['path', '/polls/comment'],
    ['path', undefined],
    ['parameters', 'voter'],
    ['parameters', [5]],
    ['parameters', ['']],
    ['parameters', ['voter[]']],
    ['parameters', ['__proto__']],
    ['parameters', ['voter', 'voter']],
    ['event', {}],
    ['answer', 'ok'],
    ['answers', 'ok'],
  ];
  for (const [name, value] of cases) {
    const problem = problemOf(ofRequests({ [name]: value }));
    assert.ok(problem.startsWith(`pipeline "visits-2": source.endpoints[1].${name}`), `${name}: ${problem}`);
  }
  assert.match(problemOf(ofRequests({ path: '/polls/comment' })), /another path than source\.endpoints\[0\]\.path/);
  for (const endpoints of [[], undefined, {}, [null]])
    assert.match(problemOf(ofRequests({}, { source: { kind: 'requests', endpoints } })), /: source\.endpoints/);
  assert.match(
    problemOf(ofRequests({}, { source: { ...http.requests([]), path: '/a' } })),
    /source\.path: there is no/,
  );
});

test('where endpoints make the events, there is nothing to normalise and nothing to keep as sent', () => {
  assert.match(problemOf(ofRequests({}, { normalise: () => ({}) })), /normalise: expected none: the endpoints/);
  assert.match(problemOf(ofRequests({}, { verbatim: [] })), /verbatim: expected none: the endpoints/);
});
