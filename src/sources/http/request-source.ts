/**
 * `POST <path>` of each endpoint: one event a request, with its parameters in the query string, a form or a JSON object, answered
 * with a text. Made for many small requests: without a body there is nothing to read, no timer and no share of the budget.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import type { Timestamp } from '../../event/time.ts';
import { decodedBody } from '../../ingest/body.ts';
import type { EventIngest, IncomingEvent } from '../../ingest/event-ingest.ts';
import type { RequestEndpoint } from '../../pipeline/pipeline.ts';
import { requestSource } from '../../pipeline/source-paths.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { forgiveContentType, mediaTypeOf } from './content-type.ts';
import { idempotencyKey } from './idempotency-key.ts';
import { ParameterReader } from './parameters.ts';
import { aboutPackage } from './trace-requests.ts';

export interface RequestSourceOptions {
  readonly ingest: EventIngest;
  readonly bodyIdleTimeoutMs: number;
  /** UTC with microseconds, never going back. */
  readonly clock: () => Timestamp;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Parameters are short; a body of more is none of a client that means well. */
const maxBodyBytes = 64 * 1024;

/** Mounts the routes; the instance must hand bodies over unread (see api/server.ts). */
export function mountRequestSource(app: FastifyInstance, options: RequestSourceOptions): void {
  const { pipeline } = options.ingest;
  const count = counters(options.metrics, pipeline.name);
  for (const endpoint of requestSource(pipeline).endpoints) {
    const to = { ...options, endpoint, count };
    app.route({
      method: 'POST',
      url: endpoint.path,
      config: { access: 'source' },
      onRequest: forgiveContentType,
      onResponse: (_request, reply, done) => {
        count.answered(reply.statusCode);
        done();
      },
      handler: (request, reply) => receive(request, reply, to),
    });
  }
}

interface Endpoint extends RequestSourceOptions {
  readonly endpoint: RequestEndpoint<unknown>;
  readonly count: ReturnType<typeof counters>;
}

async function receive(request: FastifyRequest, reply: FastifyReply, to: Endpoint): Promise<string> {
  const startedMs = performance.now();
  const { ingest, endpoint, clock, count, logger } = to;
  const { headers } = request;
  const answer = await ingest.receive({
    endpoint,
    time: clock(),
    body: bodyOf(request, to),
    parameters: (body) => parametersOf(request, body, endpoint),
    idempotencyKey: idempotencyKey(headers['idempotency-key']),
    span: request.span,
    sender: request.grant?.keyName,
    onStored: count.ingested,
  });
  request.span?.set(aboutPackage(ingest.pipeline.name, answer));
  count.took((performance.now() - startedMs) / 1000);
  if (logger.isLevelEnabled('debug')) logger.debug({ packageId: answer.packageId, path: endpoint.path }, 'request');
  reply.header('content-type', 'text/plain; charset=utf-8');
  return answer.text ?? '';
}

function bodyOf(request: FastifyRequest, { bodyIdleTimeoutMs }: Endpoint): IncomingEvent['body'] {
  const { 'content-length': length, 'transfer-encoding': transfer, 'content-encoding': encoding } = request.headers;
  if (transfer === undefined && (length === undefined || Number(length) === 0)) return undefined;
  const maxBytes = Math.min(maxBodyBytes, request.grant?.maxBodyBytes ?? Infinity);
  const about = { encoding, announcedLength: length, maxBytes, idleTimeoutMs: bodyIdleTimeoutMs };
  return (signal) => decodedBody(request.raw, { ...about, signal });
}

function parametersOf(
  request: FastifyRequest,
  body: Buffer | undefined,
  { parameters }: RequestEndpoint<unknown>,
): Readonly<Record<string, string>> {
  const reader = new ParameterReader(parameters);
  reader.query(request.raw.url ?? '');
  if (body !== undefined && body.length > 0) readBody(reader, body, mediaTypeOf(request.headers['content-type']));
  return reader.all();
}

function readBody(reader: ParameterReader, body: Buffer, mediaType: string): void {
  if (mediaType === 'application/x-www-form-urlencoded') reader.form(body);
  else if (mediaType === 'application/json') reader.json(body);
  else {
    const got = mediaType === '' ? 'a body without a Content-Type' : JSON.stringify(mediaType);
    const expected = 'expected application/x-www-form-urlencoded or application/json';
    throw new Fault('CONTENT_TYPE_UNSUPPORTED', `${expected}, got ${got}`);
  }
}

/** A request is a package of one event. What has its labels once need not be looked up by them each time. */
function counters({ packages, eventsIngested, packageSeconds }: Metrics, pipeline: string) {
  const ingested = eventsIngested.labels({ pipeline });
  const seconds = packageSeconds.labels({ pipeline });
  const byStatus = new Map<number, ReturnType<Metrics['packages']['labels']>>();
  return {
    answered: (status: number): void => {
      const known = byStatus.get(status) ?? packages.labels({ pipeline, status });
      byStatus.set(status, known);
      known.inc();
    },
    ingested: (): void => ingested.inc(),
    took: (tookSeconds: number): void => seconds.observe(tookSeconds),
  };
}
