/** `POST <path>`: a batch of rows, all or nothing (D7). `GET <path>/<id>`: what has become of one. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import { decodedBody } from '../../ingest/body.ts';
import { splitJson } from '../../ingest/split-json.ts';
import { splitNdjson } from '../../ingest/split-ndjson.ts';
import { forgiveContentType, mediaTypeOf } from '../http/content-type.ts';
import { idempotencyKey } from '../http/idempotency-key.ts';
import type { BatchBody } from './batch.ts';
import type { BatchStatus } from './batch-store.ts';
import type { Batches, Received } from './batches.ts';
import type { CsvOptions } from './csv-header.ts';
import { CsvRows } from './csv-rows.ts';
import { JsonRows } from './json-rows.ts';

export interface BulkRoutesOptions {
  readonly batches: Batches;
  /** How long a sender may send nothing. */
  readonly bodyIdleTimeoutMs: number;
  readonly logger: Logger;
}

const retryAfterSeconds = 1;

/** Mounts the routes; the instance must hand bodies over unread (see api/server.ts). */
export function mountBulk(app: FastifyInstance, options: BulkRoutesOptions): void {
  const { batches } = options;
  const { path } = batches.bulk;
  app.route({
    method: 'POST',
    url: path,
    config: { access: 'source' },
    onRequest: forgiveContentType,
    handler: (request, reply) => receive(request, reply, options),
  });
  app.get<{ Params: { id: string } }>(`${path}/:id`, { config: { access: 'source' } }, async ({ params }, reply) => {
    reply.header('cache-control', 'no-store');
    return statusAnswer(await batches.status(params.id));
  });
}

async function receive(request: FastifyRequest, reply: FastifyReply, options: BulkRoutesOptions): Promise<object> {
  const { batches, logger } = options;
  const key = idempotencyKey(request.headers['idempotency-key']);
  const body = bodyOf(request, options);
  const startedMs = performance.now();
  const onId = (id: string): void => void (request.refusalDetails = { batch_id: id });
  const received = await batches.receive({ key, body, onId }).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'BATCH_UNDER_WAY') reply.header('retry-after', retryAfterSeconds);
    throw error;
  });
  const { id, rows, errors, isRepeated } = received;
  const seconds = (performance.now() - startedMs) / 1000;
  logger.info({ bulk: batches.bulk.name, batchId: id, rows, errors: errors.count, isRepeated, seconds }, 'batch');
  if (errors.count > 0) throw rejected(request, received);
  reply.code(isRepeated ? 200 : 201).headers({ location: `${batches.bulk.path}/${id}` });
  return { batch_id: id, state: 'committed', rows };
}

function rejected(request: FastifyRequest, { id, rows, errors }: Received): Fault {
  request.refusalDetails = { batch_id: id, state: 'rejected', rows, error_count: errors.count, errors: errors.first };
  return new Fault('BATCH_REJECTED', `nothing of the batch is in: its ${rows} rows have ${errors.count} errors`);
}

function statusAnswer({ id, state, rows, errorCount, errors, receivedAt, validatingAt, endedAt }: BatchStatus): object {
  return {
    batch_id: id,
    state,
    rows,
    error_count: errorCount,
    errors,
    received_at: receivedAt,
    validating_at: validatingAt,
    ended_at: endedAt,
  };
}

/** @throws Fault CONTENT_TYPE_UNSUPPORTED, CONTENT_ENCODING_UNSUPPORTED */
function bodyOf(request: FastifyRequest, { bodyIdleTimeoutMs }: BulkRoutesOptions): BatchBody {
  const { 'content-type': contentType, 'content-encoding': encoding } = request.headers;
  const mediaType = mediaTypeOf(contentType);
  const header = /;\s*header\s*=\s*"?(present|absent)\b/i
    .exec(contentType ?? '')?.[1]
    ?.toLowerCase() as CsvOptions['header'];
  const maxBytes = request.grant?.maxBodyBytes ?? Infinity;
  const chunks = decodedBody(request.raw, {
    encoding,
    announcedLength: request.headers['content-length'],
    maxBytes,
    idleTimeoutMs: bodyIdleTimeoutMs,
  });
  return {
    chunks,
    reader: (rows, start) => {
      const format = mediaType === 'text/csv' ? 'csv' : formatOf(start);
      if (format === 'csv') return new CsvRows(rows, { header });
      return new JsonRows(rows, format === 'array' ? splitJson() : splitNdjson());
    },
  };
}

/** Senders name their format in many ways or not at all, but no two begin with the same character. */
function formatOf(start: Buffer): 'csv' | 'array' | 'lines' {
  const first = /[^\s\uFEFF]/.exec(start.toString('utf8', 0, 1024))?.[0];
  if (first === '[') return 'array';
  return first === '{' ? 'lines' : 'csv';
}
