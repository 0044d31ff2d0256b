/**
 * `POST <path>`: a batch of rows, all or nothing (D7). `GET <path>/<id>`, and `GET <path>?idempotency_key=`: what has become of one.
 * `DELETE <path>/<id>`: it does not go in any more.
 */
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
  app.get<{ Querystring: Query }>(path, { config: { access: 'source' } }, async ({ query }, reply) => {
    reply.header('cache-control', 'no-store');
    return statusAnswer(await batches.statusOfKey(soughtKey(query)));
  });
  app.get<{ Params: { id: string } }>(`${path}/:id`, { config: { access: 'source' } }, async ({ params }, reply) => {
    reply.header('cache-control', 'no-store');
    return statusAnswer(await batches.status(params.id));
  });
  app.delete<{ Params: { id: string } }>(`${path}/:id`, { config: { access: 'source' } }, async ({ params }) =>
    statusAnswer(await batches.cancel(params.id)),
  );
}

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @throws Fault REQUEST_INVALID, IDEMPOTENCY_KEY_INVALID */
function soughtKey({ idempotency_key: given }: Query): string {
  if (typeof given === 'string') return idempotencyKey(given) as string;
  throw new Fault('REQUEST_INVALID', 'idempotency_key: expected once, with the key of the batch that is meant');
}

/** @throws Fault REQUEST_INVALID */
function isDryRunIn({ dry_run: given = 'false' }: Query): boolean {
  if (given === 'true' || given === 'false') return given === 'true';
  throw new Fault('REQUEST_INVALID', 'dry_run: expected true or false, once');
}

async function receive(request: FastifyRequest, reply: FastifyReply, options: BulkRoutesOptions): Promise<object> {
  const { batches, logger } = options;
  const key = idempotencyKey(request.headers['idempotency-key']);
  const isDryRun = isDryRunIn(request.query as Query);
  const body = bodyOf(request, options);
  const startedMs = performance.now();
  const onId = (id: string): void => void (request.refusalDetails = { batch_id: id });
  const received = await batches.receive({ key, isDryRun, body, onId }).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'BATCH_UNDER_WAY') reply.header('retry-after', retryAfterSeconds);
    throw error;
  });
  const { id, rows, errors, isRepeated } = received;
  const seconds = (performance.now() - startedMs) / 1000;
  const about = { bulk: batches.bulk.name, batchId: id, isDryRun };
  logger.info({ ...about, rows, errors: errors.count, isRepeated, seconds }, 'batch');
  if (errors.count > 0) throw rejected(request, received, isDryRun);
  reply.code(isRepeated || isDryRun ? 200 : 201).headers({ location: `${batches.bulk.path}/${id}` });
  return { batch_id: id, state: isDryRun ? 'checked' : 'committed', dry_run: isDryRun, rows };
}

function rejected(request: FastifyRequest, { id, rows, errors }: Received, isDryRun: boolean): Fault {
  const { count, first } = errors;
  request.refusalDetails = {
    batch_id: id,
    state: 'rejected',
    dry_run: isDryRun,
    rows,
    error_count: count,
    errors: first,
  };
  return new Fault('BATCH_REJECTED', `nothing of the batch is in: its ${rows} rows have ${errors.count} errors`);
}

function statusAnswer(status: BatchStatus): object {
  const { id, state, isDryRun, rows, errorCount, errors, receivedAt, validatingAt, endedAt } = status;
  return {
    batch_id: id,
    state,
    dry_run: isDryRun,
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
  const stopping = new AbortController();
  const chunks = decodedBody(request.raw, {
    encoding,
    announcedLength: request.headers['content-length'],
    maxBytes,
    idleTimeoutMs: bodyIdleTimeoutMs,
    totalTimeoutMs: Infinity,
    signal: stopping.signal,
  });
  return {
    chunks,
    stop: (reason) => stopping.abort(reason),
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
