/** `POST <path>` of each source, as `sources/http/` answers it. */
import type { Envelope, HttpSource, Pipeline } from '../../pipeline/pipeline.ts';
import { type Json, json, list, object, type Operation, type Parameter, ref, text, uuid, whole } from './operation.ts';

/** A pipeline. */
export type DescribedSource = Pick<Pipeline, 'name' | 'source'>;

export function sourceOperations({ name, source }: DescribedSource): readonly Operation[] {
  if (source.kind === 'http')
    return [source.envelope ? envelopeOperation(name, source, source.envelope) : packageOperation(name, source)];
  if (source.kind === 'files') return [];
  return source.endpoints.map(({ path, parameters }) => requestOperation(name, path, parameters));
}

function packageOperation(name: string, { path, maxEvents, maxPackageBytes }: HttpSource): Operation {
  return {
    method: 'post',
    path,
    id: `send-${name}`,
    tag: 'sources',
    summary: `Sends a package of events to ${name}`,
    description: `At most ${maxEvents} events and ${maxPackageBytes} bytes after decompression; a key may allow fewer bytes. What does not say that it is NDJSON is read as JSON, whatever its Content-Type. 200 is sent once every event of the package is durable: the valid ones in the log, the invalid ones as dead letters.`,
    access: 'source',
    parameters: [idempotencyKey('A package'), contentEncoding],
    body: {
      description: 'An array of events, one event as an object, or NDJSON: an event a line.',
      content: { ...json(packageBody), 'application/x-ndjson': text('An event a line.') },
    },
    answers: { 200: { description: 'The package is durable.', content: json(ref('PackageAnswer')) } },
    refusals: ['NOT_JSON', ...ofBodies, ...ofTheLog],
  };
}

function envelopeOperation(
  name: string,
  { path, maxEvents, maxPackageBytes }: HttpSource,
  envelope: Envelope,
): Operation {
  return {
    method: 'post',
    path,
    id: `send-${name}`,
    tag: 'sources',
    summary: `Sends a package of events to ${name}`,
    description: `At most ${maxEvents} events and ${maxPackageBytes} bytes after decompression; a key may allow fewer bytes. The package is taken or refused as a whole: 200 is sent once every event is durable; where one is invalid, or the body is not of this form, it is 400, with \`errors\`, a list of \`index\` (null for the body itself), \`path\` and \`message\`, and the body is kept as a dead letter.`,
    access: 'source',
    parameters: [idempotencyKey('A package'), contentEncoding],
    body: {
      description: `An object with the events in its member ${envelope.events}.`,
      content: json(object({ [envelope.events]: list({ type: 'object' }) })),
    },
    answers: { 200: { description: 'The package is durable.', content: json({ type: 'object' }) } },
    refusals: ['PACKAGE_INVALID', ...ofBodies, ...ofTheLog],
  };
}

function requestOperation(name: string, path: string, parameters: readonly string[]): Operation {
  const inQuery = parameters.map((one): Parameter => ({
    name: one,
    in: 'query',
    description: 'Here or in the body, once.',
    schema: text(),
  }));
  const inBody = object(Object.fromEntries(parameters.map((one) => [`${one}?`, text()])));
  const content = { 'application/x-www-form-urlencoded': inBody, ...json(inBody) };
  return {
    method: 'post',
    path,
    id: `send-${name}${path.replaceAll('/', '-')}`,
    tag: 'sources',
    summary: `Sends an event to ${name}`,
    description: `Exactly once each, in the query string or in the body, a form or a JSON object of at most 64 KiB, which may be left out: ${parameters.join(', ')}. 200 is sent once the event is durable; of a request that is refused nothing is stored.`,
    access: 'source',
    parameters: [...inQuery, idempotencyKey('A request'), contentEncoding],
    body: { description: 'Parameters that are not in the query string.', content, isOptional: true },
    answers: { 200: { description: 'The event is durable.', content: { 'text/plain': text() } } },
    refusals: ['REQUEST_INVALID', ...ofBodies, ...ofTheLog],
  };
}

function idempotencyKey(what: string): Parameter {
  return {
    name: 'Idempotency-Key',
    in: 'header',
    description: `${what} sent again under the same key within a day is stored once and gets the first answer. Senders with access keys of different names may use the same.`,
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  };
}

export const contentEncoding: Parameter = {
  name: 'Content-Encoding',
  in: 'header',
  description: 'How the body is compressed.',
  schema: { type: 'string', enum: ['identity', 'gzip', 'br', 'zstd'] },
};

const ofBodies = [
  ...(['BODY_INCOMPLETE', 'BODY_CORRUPT', 'IDEMPOTENCY_KEY_INVALID', 'BODY_TIMEOUT'] as const),
  ...(['PACKAGE_TOO_LARGE', 'CONTENT_ENCODING_UNSUPPORTED', 'CONTENT_TYPE_UNSUPPORTED'] as const),
] as const;

const ofTheLog = [
  ...(['SCHEMA_MISSING', 'SCHEMA_INVALID', 'SCHEMA_REGISTRY_UNAVAILABLE'] as const),
  ...(['RATE_LIMITED', 'BUSY', 'LOG_FULL', 'LOG_FAILED', 'STATE_UNAVAILABLE', 'LOG_UNAVAILABLE'] as const),
] as const;

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
