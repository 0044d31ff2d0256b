/** `/admin`: dead letters, the trail of events and packages, topics. Bodies and queries are the shapes that the routes check with. */
import { z } from 'zod';
import { editRequest, listQuery, patchRequest, replayRequest } from '../admin/filter.ts';
import { replayPipelineRequest } from '../admin/replays.ts';
import { topicsRequest } from '../admin/topics.ts';
import {
  type Answer,
  type Json,
  json,
  list,
  object,
  oneOf,
  type Operation,
  type Parameter,
  ref,
  route,
  text,
  whole,
} from './operation.ts';

const changing = [
  ...(['REPAIR_INVALID', 'REQUEST_INVALID', 'CONTENT_TYPE_UNSUPPORTED', 'PACKAGE_TOO_LARGE'] as const),
  ...(['BUSY', 'LOG_FULL', 'LOG_FAILED'] as const),
];

/** Of bodies that `readJsonBody` reads. */
const ofJsonBody = [
  ...(['REQUEST_INVALID', 'PACKAGE_TOO_LARGE', 'BODY_INCOMPLETE', 'BODY_CORRUPT', 'BODY_TIMEOUT'] as const),
  ...(['CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
];

const id: Parameter = {
  name: 'id',
  in: 'path',
  description: 'A correlation id.',
  schema: { type: 'string', maxLength: 500 },
};

const outcomes = (of: string): Answer => ({
  description: 'An outcome a line as the work proceeds; the last line is a summary, or an error where it ended early.',
  content: { 'application/x-ndjson': ref(of) },
});

const meanings: Readonly<Record<string, string>> = {
  pipeline: 'Of this pipeline.',
  at: 'Where the event was refused.',
  reason: 'The path that was refused, or a part of the message.',
  since: 'Received at this time or later.',
  until: 'Received before this time.',
  text: 'Its event has this text in it.',
  replayed: 'Whether it has been replayed.',
  limit: `So many at most; 50 where it is not given.`,
};

export const adminOperations: readonly Operation[] = [
  {
    ...route('get', '/admin/status', 'status', 'server'),
    summary: 'Health, lag, counts, queue and disk in one answer',
    answers: { 200: { description: 'How the server is.', content: json(ref('Status')) } },
    refusals: [],
  },
  {
    ...route('get', '/admin/dead-letters', 'list-dead-letters', 'dead letters'),
    summary: 'Dead letters, oldest first',
    parameters: queryOf(listQuery, ['ids']),
    answers: {
      200: {
        description: 'The first that the filter means.',
        content: json(object({ letters: list(ref('DeadLetter')), more: { type: 'boolean' } })),
      },
    },
    refusals: ['REPAIR_INVALID', 'LOG_ROTTEN'],
  },
  {
    ...route('get', '/admin/dead-letters/counts', 'count-dead-letters', 'dead letters'),
    summary: 'Dead letters, counted by reason',
    parameters: queryOf(listQuery, ['ids', 'limit']),
    answers: { 200: { description: 'The most frequent first.', content: json(list(ref('DeadLetterCount'))) } },
    refusals: ['REPAIR_INVALID', 'LOG_ROTTEN'],
  },
  {
    ...route('get', '/admin/dead-letters/{id}', 'show-dead-letter', 'dead letters'),
    summary: 'One dead letter',
    parameters: [id],
    answers: { 200: { description: 'As it was received, and as edited.', content: json(ref('DeadLetter')) } },
    refusals: ['DEAD_LETTER_UNKNOWN', 'LOG_ROTTEN'],
  },
  {
    ...route('put', '/admin/dead-letters/{id}', 'edit-dead-letter', 'dead letters'),
    summary: 'Edits the event of a dead letter',
    parameters: [id],
    body: { content: json(schemaOf(editRequest)) },
    answers: {
      200: {
        description: 'The edit is durable.',
        content: json(object({ correlationId: { type: 'string' }, result: oneOf(['changed']) })),
      },
    },
    refusals: [...changing, 'DEAD_LETTER_UNKNOWN', 'DEAD_LETTER_REPLAYED', 'DEAD_LETTER_CHANGED', 'LOG_ROTTEN'],
  },
  {
    ...route('post', '/admin/dead-letters/patch', 'patch-dead-letters', 'dead letters'),
    summary: 'Edits many dead letters by a patch',
    body: { content: json(schemaOf(patchRequest)) },
    answers: { 200: outcomes('PatchLine') },
    refusals: changing,
  },
  {
    ...route('post', '/admin/dead-letters/replay', 'replay-dead-letters', 'dead letters'),
    summary: 'Replays dead letters',
    body: { content: json(schemaOf(replayRequest)) },
    answers: { 200: outcomes('ReplayLine') },
    refusals: changing,
  },
  {
    ...route('get', '/admin/events/{id}', 'show-event', 'events'),
    summary: 'Where an event is by now',
    parameters: [{ ...id, description: 'A correlation id, or an id that the producer gave.' }],
    answers: { 200: { description: 'The events that have this id.', content: json(ref('FoundEvents')) } },
    refusals: ['EVENT_UNKNOWN', 'LOG_ROTTEN', 'WAREHOUSE_UNAVAILABLE'],
  },
  {
    ...route('get', '/admin/packages/{id}', 'show-package', 'events'),
    summary: 'What has become of a package',
    parameters: [{ ...id, description: 'The id of a package, or of any of its events.' }],
    answers: { 200: { description: 'Its events, counted by where they are.', content: json(ref('PackageTrail')) } },
    refusals: ['EVENT_UNKNOWN', 'LOG_ROTTEN', 'WAREHOUSE_UNAVAILABLE'],
  },
  {
    ...route('post', '/admin/topics', 'apply-topics', 'topics'),
    summary: 'Makes the topics of a list; takes nothing away',
    body: { content: json(schemaOf(topicsRequest)) },
    answers: {
      200: {
        description: 'What was done for each.',
        content: json(object({ topics: list(ref('AppliedTopic')) })),
      },
    },
    refusals: [...ofJsonBody, 'TOPIC_MISMATCH', 'BUSY', 'LOG_FULL', 'LOG_FAILED'],
  },
  {
    ...route('get', '/admin/replays', 'list-replays', 'replays'),
    summary: 'Replays of pipelines that are not done yet',
    answers: {
      200: { description: 'By partition.', content: json(object({ replays: list(ref('ReplayUnderWay')) })) },
    },
    refusals: [],
  },
  {
    ...route('post', '/admin/replays', 'replay-pipeline', 'replays'),
    summary: 'Lands again what a pipeline has landed from an offset or a time on',
    body: { content: json(schemaOf(replayPipelineRequest)) },
    answers: {
      200: {
        description: 'What is (with dryRun: would be) replayed of each partition.',
        content: json(object({ replays: list(ref('PlannedReplay')) })),
      },
    },
    refusals: [...ofJsonBody, 'REPLAY_IMPOSSIBLE', 'STATE_FULL'],
  },
  {
    ...route('post', '/admin/files/looks', 'look-for-files', 'files'),
    summary: 'Has the directories of pipelines that take files listed now, for who waits until all files are taken',
    answers: {
      200: {
        description: 'The look of each pipeline, a number that its source answers with in the keyed state.',
        content: json(object({ looks: list(object({ pipeline: text(), look: whole() })) })),
      },
    },
    refusals: ['STATE_FULL', 'STATE_UNAVAILABLE'],
  },
];

/** What a request may carry: before defaults and transformations. */
function schemaOf(shape: z.ZodType): Json {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' });
  return schema;
}

function queryOf(shape: z.ZodObject, without: readonly string[]): readonly Parameter[] {
  const { properties = {} } = schemaOf(shape) as { readonly properties?: Readonly<Record<string, Json>> };
  return Object.entries(properties)
    .filter(([name]) => !without.includes(name))
    .map(([name, schema]) => ({ name, in: 'query', description: meanings[name] ?? name, schema }));
}
