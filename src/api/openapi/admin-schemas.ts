/** What the routes under `/admin` answer. */
import { type Json, list, object, oneOf, ref, text, time, uuid, whole } from './operation.ts';

const summary = object({ summary: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 } } });
const reason = object({ path: text(), message: text() });
const place = { topic: text(), partition: whole(), offset: whole() };

/** Any number of outcomes, then one summary or refusal. */
const line = (outcome: Json): Json => ({ anyOf: [outcome, summary, ref('Refusal')] });

const patchResults = ['changed', 'unchanged', 'failed', 'already replayed', 'not found'];
const replayResults = ['accepted', 'refused', 'already replayed', 'left out', 'not found'];
const topicChanges = [
  'created',
  'partitions-added',
  'unchanged',
  'has-more-partitions',
  'grows-at-next-start',
  'reserved',
];

const deadLetter = object({
  correlationId: uuid,
  packageId: uuid,
  index: whole('Of the event in its package.'),
  receivedAt: time,
  at: oneOf(['ingest', 'processor'], 'Where it was refused.'),
  pipeline: text(),
  error: reason,
  state: oneOf(['open', 'edited', 'replayed']),
  edits: list(object({ at: time })),
  replays: list(object({ at: time, correlationId: uuid })),
  'file?': text('That it came in: the directory as it was configured, and the path in it.'),
  'traceparent?': text('Of the span of its request, where that was traced (W3C Trace Context).'),
  'event?': text('As it was received.'),
  'eventBase64?': text('As it was received, where it is not UTF-8.'),
  'edited?': text('The event as it stands, where it was edited.'),
});

const eventTrail = object({
  correlationId: uuid,
  packageId: uuid,
  index: whole(),
  receivedAt: time,
  pipeline: text(),
  whereabouts: oneOf(['landed', 'not landed yet', 'dead letter', 'void', 'not found in any sink']),
  'record?': object({ ...place, at: time }),
  'lag?': whole('Records that its processor has to take until this one has landed.'),
  rows: list(object({ table: text(), columns: { type: 'object', additionalProperties: text() } })),
  objects: list(object({ key: text(), line: whole('From 1.') })),
  'deadLetter?': ref('DeadLetter'),
  'replayOf?': text('The dead letter that this event is the replay of.'),
  notes: list(text('What could not be looked at, and why the event is nowhere.')),
});

const packageTrail = object({
  packageId: uuid,
  receivedAt: time,
  pipelines: list(text()),
  events: whole(),
  accepted: whole(),
  refused: whole('At ingest.'),
  refusedByProcessor: whole(),
  notLandedYet: whole(),
  rows: list(object({ table: text(), rows: whole() })),
  objects: list(object({ key: text(), lines: whole() })),
  deadLetters: list(ref('DeadLetter')),
  replayed: whole(),
  notes: list(text()),
});

const bytes = (members: readonly string[]): Json => object(Object.fromEntries(members.map((name) => [name, whole()])));

const status = object({
  ready: { type: 'boolean', description: 'Whether a package would be taken now.' },
  parts: { type: 'object', description: 'How each part is, in words.', additionalProperties: text() },
  uptimeMs: whole(),
  lag: list(
    object({
      consumer: text(),
      topic: text(),
      partition: whole(),
      committed: whole('Everything below it has landed.'),
      end: whole(),
      lag: whole('Records that have not landed.'),
      behindMs: { type: ['number', 'null'], description: 'Age of the oldest of them; null where it cannot be read.' },
      toReplay: whole('Records that a replay is still to land again.'),
      'replayStopped?': text('Why a replay stands still until it is asked for again.'),
      isCompacting: {
        type: 'boolean',
        description: 'Its objects are being merged, or that was interrupted: no replay begins until it has ended.',
      },
      isOpening: {
        type: 'boolean',
        description:
          'Its processor has not looked at its sinks since the start, and may still go back to where one of them is.',
      },
    }),
  ),
  events: list(object({ pipeline: text(), ingested: whole(), rejected: whole(), deadLettered: whole() })),
  queue: bytes(['bytes', 'maxBytes']),
  disk: bytes(['freeBytes', 'totalBytes']),
});

const replayed = { topic: text(), partition: whole(), from: whole(), to: whole('Offsets below it.') };

export const adminSchemas: Readonly<Record<string, Json>> = {
  PlannedReplay: object({ ...replayed, asked: whole('Where it was to begin: batches land again whole.') }),
  ReplayUnderWay: object({
    pipeline: text(),
    ...replayed,
    next: whole('Those below it have landed again.'),
    'stopped?': text('Why it stands still until it is asked for again.'),
  }),
  Status: status,
  DeadLetter: deadLetter,
  DeadLetterCount: object({
    pipeline: text(),
    path: text(),
    message: text(),
    count: whole(),
    first: time,
    last: time,
  }),
  PatchLine: line(
    object({
      correlationId: text(),
      'pipeline?': text(),
      result: oneOf(patchResults),
      'changes?': list({ type: 'object' }),
      'message?': text('Why it failed.'),
    }),
  ),
  ReplayLine: line(
    object({
      correlationId: text(),
      'pipeline?': text(),
      result: oneOf(replayResults),
      'as?': text('The event that it was replayed as.'),
      'replayedAt?': time,
      'path?': text(),
      'message?': text('Why it was refused or left out.'),
    }),
  ),
  FoundEvents: object({ id: text(), events: list(ref('EventTrail')), notes: list(text()) }),
  EventTrail: eventTrail,
  PackageTrail: packageTrail,
  AppliedTopic: object({
    name: text(),
    partitions: whole('As listed.'),
    before: whole('There were; 0 where the topic was missing.'),
    change: oneOf(topicChanges),
  }),
};
