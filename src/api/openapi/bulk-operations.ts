/** `POST <path>` and `GET <path>/{id}` of each table that takes batches, as `sources/bulk/` answers them. */
import type { Bulk } from '../../pipeline/bulk.ts';
import { type Json, json, list, object, oneOf, type Operation, ref, text, time, uuid, whole } from './operation.ts';
import { contentEncoding } from './source-operations.ts';

/** A table that takes batches. */
export type DescribedBulk = Pick<Bulk, 'name' | 'path' | 'columns'>;

export function bulkOperations({ name, path, columns }: DescribedBulk): readonly Operation[] {
  return [
    {
      method: 'post',
      path,
      id: `send-batch-${name}`,
      tag: 'batches',
      summary: `Sends a batch of rows to ${name}`,
      description: `All rows go in, or none. Fields: ${Object.keys(columns).join(', ')}. A CSV may have a header, and its columns are in any order then; without one they are in this order. Sent again under the same Idempotency-Key, the same rows go in once.`,
      access: 'source',
      parameters: [idempotencyKey, contentEncoding],
      body: {
        description: 'CSV, NDJSON or a JSON array of objects; what is not text/csv is known by its first character.',
        content: {
          'text/csv': text(),
          'application/x-ndjson': text('A row a line.'),
          ...json(list({ type: 'object' })),
        },
      },
      answers: {
        200: { description: 'The same rows went in before under the same key.', content: json(ref('BatchAnswer')) },
        201: { description: 'All rows are in.', content: json(ref('BatchAnswer')) },
      },
      refusals,
    },
    {
      method: 'get',
      path: `${path}/{id}`,
      id: `get-batch-${name}`,
      tag: 'batches',
      summary: 'What has become of a batch',
      access: 'source',
      parameters: [{ name: 'id', in: 'path', description: '`batch_id` of any answer.', schema: text() }],
      answers: { 200: { description: 'The batch.', content: json(ref('Batch')) } },
      refusals: ['BATCH_UNKNOWN', 'RATE_LIMITED', 'WAREHOUSE_UNAVAILABLE'],
    },
  ];
}

const refusals = [
  ...(['BATCH_REJECTED', 'BATCH_UNDER_WAY', 'IDEMPOTENCY_KEY_USED', 'IDEMPOTENCY_KEY_INVALID', 'NOT_JSON'] as const),
  ...(['BODY_INCOMPLETE', 'BODY_CORRUPT', 'BODY_TIMEOUT', 'PACKAGE_TOO_LARGE', 'RATE_LIMITED', 'BUSY'] as const),
  ...(['CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
  ...(['WAREHOUSE_UNAVAILABLE', 'WAREHOUSE_DENIED', 'WAREHOUSE_TABLE_DIFFERS'] as const),
] as const;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Belongs to the table, whoever sends it. A rejected batch leaves it free.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
} as const;

const orNull = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] });
const state = oneOf(['receiving', 'validating', 'committed', 'rejected']);

export const bulkSchemas: Readonly<Record<string, Json>> = {
  BatchAnswer: object({ batch_id: uuid, state, rows: whole() }),
  Batch: object({
    batch_id: uuid,
    state,
    rows: whole('Known once all are received.'),
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
