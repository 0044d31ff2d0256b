/**
 * `POST <path>`: packages over HTTP. Decodes the body as it streams in and turns faults into answers; a package that is
 * refused is never held whole.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import type { Answer } from '../../ingest/answer.ts';
import { decodedBody } from '../../ingest/body.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { splitJson } from '../../ingest/split-json.ts';
import { splitNdjson } from '../../ingest/split-ndjson.ts';
import { packageSource } from '../../pipeline/source-paths.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { forgiveContentType, mediaTypeOf } from './content-type.ts';
import { idempotencyKey } from './idempotency-key.ts';
import { aboutPackage } from './trace-requests.ts';

export interface HttpSourceOptions {
  readonly ingest: Ingest;
  readonly bodyIdleTimeoutMs: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const ndjsonTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
]);

/** Mounts the route; the instance must hand bodies over unread (see api/server.ts). */
export function mountHttpSource(app: FastifyInstance, options: HttpSourceOptions): void {
  const { ingest } = options;
  app.route({
    method: 'POST',
    url: packageSource(ingest.pipeline).path,
    config: { access: 'source' },
    onRequest: forgiveContentType,
    onResponse: async (_request, reply) =>
      options.metrics.packages.inc({ pipeline: ingest.pipeline.name, status: reply.statusCode }),
    handler: (request, reply) => receive(request, reply, options),
  });
}

async function receive(request: FastifyRequest, reply: FastifyReply, options: HttpSourceOptions): Promise<object> {
  const startedMs = performance.now();
  const { ingest, logger } = options;
  const ndjson = isNdjson(request.headers['content-type']);
  const answer = await ingest.receive({
    body: (evicted) =>
      decodedBody(request.raw, {
        encoding: request.headers['content-encoding'],
        announcedLength: request.headers['content-length'],
        maxBytes: Math.min(packageSource(ingest.pipeline).maxPackageBytes, request.grant?.maxBodyBytes ?? Infinity),
        idleTimeoutMs: options.bodyIdleTimeoutMs,
        signal: evicted,
      }),
    splitter: ndjson ? splitNdjson() : splitJson(),
    onNotJson: ndjson ? 'reject-event' : 'refuse-package',
    idempotencyKey: idempotencyKey(request.headers['idempotency-key']),
    span: request.span,
    sender: request.grant?.keyName,
    onStored: (stored) => countEvents(options, stored),
  });
  const { packageId, accepted, rejected } = answer;
  request.span?.set(aboutPackage(ingest.pipeline.name, answer));
  options.metrics.packageSeconds.observe({ pipeline: ingest.pipeline.name }, (performance.now() - startedMs) / 1000);
  const keyId = request.grant?.keyId;
  logger[rejected > 0 ? 'info' : 'debug']({ packageId, accepted, rejected, keyId }, 'package');
  if (answer.isRefused) throw refusal(request, answer);
  reply.header('content-type', 'application/json; charset=utf-8');
  const { envelope } = packageSource(ingest.pipeline);
  return envelope ? envelope.answer({ packageId, accepted }) : answer;
}

function refusal(request: FastifyRequest, { packageId, errors }: Answer): Fault {
  request.refusalDetails = { packageId, errors: errors.map(({ index, path, message }) => ({ index, path, message })) };
  const [first] = errors;
  const where = [first?.index === null ? 'its body' : `event ${first?.index}`, first?.path].filter(Boolean).join(', ');
  return new Fault('PACKAGE_INVALID', `package ${packageId} was refused: ${where}: ${first?.message}`);
}

function countEvents({ ingest, metrics }: HttpSourceOptions, { accepted, rejected }: Answer): void {
  const pipeline = ingest.pipeline.name;
  metrics.eventsIngested.inc({ pipeline }, accepted);
  if (rejected > 0) {
    metrics.eventsRejected.inc({ pipeline }, rejected);
    metrics.eventsDeadLettered.inc({ pipeline, at: 'ingest' }, rejected);
  }
}

/**
 * Producers name their JSON in many ways or not at all, so anything is taken for JSON that does not say it is NDJSON;
 * only another charset than UTF-8 cannot be read.
 */
function isNdjson(contentType: string | undefined): boolean {
  return ndjsonTypes.has(mediaTypeOf(contentType));
}
