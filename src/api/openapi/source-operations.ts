/** `POST <path>` of each source, as `sources/http/http-source.ts` answers it. */
import { type Json, json, list, object, type Operation, ref, text, uuid, whole } from './operation.ts';

export interface DescribedSource {
  /** The pipeline's. */
  readonly name: string;
  readonly source: { readonly path: string; readonly maxEvents: number; readonly maxPackageBytes: number };
}

export function sourceOperation({ name, source }: DescribedSource): Operation {
  const { path, maxEvents, maxPackageBytes } = source;
  return {
    method: 'post',
    path,
    id: `send-${name}`,
    tag: 'sources',
    summary: `Sends a package of events to ${name}`,
    description: `At most ${maxEvents} events and ${maxPackageBytes} bytes after decompression; a key may allow fewer bytes. What does not say that it is NDJSON is read as JSON, whatever its Content-Type. 200 is sent once every event of the package is durable: the valid ones in the log, the invalid ones as dead letters.`,
    access: 'source',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'A package sent again under the same key within a day is stored once and gets the first answer. Senders with access keys of different names may use the same.',
        schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
      },
      {
        name: 'Content-Encoding',
        in: 'header',
        description: 'How the body is compressed.',
        schema: { type: 'string', enum: ['identity', 'gzip', 'br', 'zstd'] },
      },
    ],
    body: {
      description: 'An array of events, one event as an object, or NDJSON: an event a line.',
      content: { ...json(packageBody), 'application/x-ndjson': text('An event a line.') },
    },
    answers: { 200: { description: 'The package is durable.', content: json(ref('PackageAnswer')) } },
    refusals: [
      ...(['NOT_JSON', 'BODY_INCOMPLETE', 'BODY_CORRUPT', 'IDEMPOTENCY_KEY_INVALID', 'BODY_TIMEOUT'] as const),
      ...(['PACKAGE_TOO_LARGE', 'CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
      ...(['SCHEMA_MISSING', 'SCHEMA_INVALID', 'SCHEMA_REGISTRY_UNAVAILABLE'] as const),
      ...(['RATE_LIMITED', 'BUSY', 'LOG_FULL', 'LOG_FAILED', 'STATE_UNAVAILABLE', 'LOG_UNAVAILABLE'] as const),
    ],
  };
}

const packageBody: Json = { oneOf: [list({}), { type: 'object' }] };

export const sourceSchemas: Readonly<Record<string, Json>> = {
  PackageAnswer: object({
    packageId: uuid,
    accepted: whole('Events that are in the log.'),
    rejected: whole('Events that are dead letters.'),
    errors: list(
      object({
        index: whole('Of the event in its package.'),
        correlationId: uuid,
        path: text('From the root of the event, as in attributes.type.'),
        message: text('What was expected there.'),
      }),
    ),
  }),
};
