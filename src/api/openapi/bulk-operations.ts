/** `POST <path>` and `GET <path>/{id}` of each table that takes batches, as `sources/bulk/` answers them. */
import type { Bulk } from '../../pipeline/bulk.ts';
import {
  flag,
  type Json,
  json,
  list,
  object,
  oneOf,
  type Operation,
  ref,
  text,
  time,
  uuid,
  whole,
} from './operation.ts';
import { contentEncoding } from './source-operations.ts';

/** A table that takes batches. */
export type DescribedBulk = Pick<Bulk, 'name' | 'path' | 'columns'>;

export function bulkOperations(bulk: DescribedBulk): readonly Operation[] {
  return [sendOperation(bulk), ...statusOperations(bulk)];
}

function sendOperation({ name, path, columns }: DescribedBulk): Operation {
  return {
    method: 'post',
    path,
    id: `send-batch-${name}`,
    tag: 'batches',
    summary: `Sends a batch of rows to ${name}`,
    description: `All rows go in, or none. Fields: ${Object.keys(columns).join(', ')}. A CSV may have a header, and its columns are in any order then; without one they are in this order. Sent again under the same Idempotency-Key within 30 days, the same rows go in once.`,
    access: 'source',
    parameters: [idempotencyKey, contentEncoding, dryRun],
    body: {
      description: 'CSV, NDJSON or a JSON array of objects; what is not text/csv is known by its first character.',
      content: {
        'text/csv': text(),
        'application/x-ndjson': text('A row a line.'),
        ...json(list({ type: 'object' })),
      },
    },
    answers: {
      200: {
        description: 'The same rows went in before under the same key; or it is a dry run, and they would go in.',
        content: json(ref('BatchAnswer')),
      },
      201: { description: 'All rows are in.', content: json(ref('BatchAnswer')) },
    },
    refusals,
  };
}

function statusOperations({ name, path }: DescribedBulk): readonly Operation[] {
  return [
    {
      method: 'get',
      path,
      id: `find-batch-${name}`,
      tag: 'batches',
      summary: 'What has become of the last batch that was sent with a key, also while it is received',
      access: 'source',
      parameters: [sentKey],
      answers: { 200: { description: 'The batch.', content: json(ref('Batch')) } },
      refusals: ['REQUEST_INVALID', 'IDEMPOTENCY_KEY_INVALID', ...ofStatuses],
    },
    {
      method: 'get',
      path: `${path}/{id}`,
      id: `get-batch-${name}`,
      tag: 'batches',
      summary: 'What has become of a batch',
      access: 'source',
      parameters: [batchId],
      answers: { 200: { description: 'The batch.', content: json(ref('Batch')) } },
      refusals: ofStatuses,
    },
    {
      method: 'delete',
      path: `${path}/{id}`,
      id: `cancel-batch-${name}`,
      tag: 'batches',
      summary: 'Cancels a batch that is under way',
      description:
        'It has ended then, with nothing of it in; one that had ended before stays as it was, and the answer says how.',
      access: 'source',
      parameters: [batchId],
      answers: { 200: { description: 'The batch, ended.', content: json(ref('Batch')) } },
      refusals: ['BUSY', ...ofStatuses],
    },
  ];
}

const ofStatuses = ['BATCH_UNKNOWN', 'RATE_LIMITED', 'WAREHOUSE_UNAVAILABLE'] as const;

const refusals = [
  'REQUEST_INVALID',
  ...([
    'BATCH_REJECTED',
    'BATCH_UNDER_WAY',
    'BATCH_CANCELLED',
    'IDEMPOTENCY_KEY_USED',
    'IDEMPOTENCY_KEY_INVALID',
    'NOT_JSON',
  ] as const),
  ...(['BODY_INCOMPLETE', 'BODY_CORRUPT', 'BODY_TIMEOUT', 'PACKAGE_TOO_LARGE', 'RATE_LIMITED', 'BUSY'] as const),
  ...(['CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
  ...(['WAREHOUSE_UNAVAILABLE', 'WAREHOUSE_FULL', 'WAREHOUSE_DENIED'] as const),
  ...(['WAREHOUSE_TABLE_MISSING', 'WAREHOUSE_TABLE_DIFFERS'] as const),
] as const;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Belongs to the table, whoever sends it. A rejected batch leaves it free.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
} as const;

const batchId = { name: 'id', in: 'path', description: '`batch_id` of any answer.', schema: text() } as const;

const sentKey = {
  name: 'idempotency_key',
  in: 'query',
  required: true,
  description: 'The Idempotency-Key that the batch, or the dry run, was sent with.',
  schema: idempotencyKey.schema,
} as const;

const dryRun = {
  name: 'dry_run',
  in: 'query',
  description:
    'With true all is checked that would be, against the tables as they are, and nothing goes in. Its Idempotency-Key stays free, and serves to find its status.',
  schema: { type: 'boolean', default: false },
} as const;

const orNull = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] });
const states = ['receiving', 'validating', 'committed', 'checked', 'rejected'];
const state = oneOf(states, 'checked: the end of a dry run that found nothing wrong.');

export const bulkSchemas: Readonly<Record<string, Json>> = {
  BatchAnswer: object({ batch_id: uuid, state, dry_run: flag, rows: whole() }),
  Batch: object({
    batch_id: uuid,
    state,
    dry_run: flag,
    rows: whole('While it is received, as of a second ago.'),
    error_count: whole('Of all errors.'),
    errors: list(
      object({
        line: orNull({ type: 'integer', minimum: 1 }),
        field: orNull(text()),
        value: orNull(text()),
        reason: text(),
      }),
    ),
    received_at: time,
    validating_at: orNull(time),
    ended_at: orNull(time),
  }),
};
