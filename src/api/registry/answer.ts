/** Answers of the schema registry: JSON of its own media type, and faults as { error_code, message }. */
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { isFault, reasonOf } from '../../errors.ts';
import type { SchemaVersion } from '../../schemas/administration.ts';
import { RegistryFault } from '../../schemas/registry-fault.ts';
import { limitedLines } from '../../telemetry/limited-lines.ts';
import type { ErrorLogs } from '../answer-error.ts';
import { discardBody } from '../discard-body.ts';
import type { Asked } from './request.ts';

export const registryPrefix = '/registry';
const registryType = 'application/vnd.schemaregistry.v1+json';

/** A route that answers with JSON. */
export function json(answer: (asked: Asked) => Promise<unknown>) {
  return async (asked: Asked, reply: FastifyReply): Promise<FastifyReply> =>
    send(asked, reply, JSON.stringify(await answer(asked)));
}

/** A route that answers with a schema as it is. */
export function text(answer: (asked: Asked) => Promise<string>) {
  return async (asked: Asked, reply: FastifyReply): Promise<FastifyReply> => send(asked, reply, await answer(asked));
}

function send(asked: Asked, reply: FastifyReply, body: string): FastifyReply {
  const { accept = '' } = asked.headers;
  const wantsPlain = accept.includes('application/json') && !accept.includes('vnd.schemaregistry');
  return reply.header('content-type', wantsPlain ? 'application/json' : registryType).send(body);
}

export interface SchemaAnswer {
  readonly schemaType?: string;
  readonly references?: SchemaVersion['references'];
  readonly schema: string;
}

/** Avro is not named, and neither is the lack of references. */
export function schemaAnswer({ type, references }: SchemaVersion, schema: string): SchemaAnswer {
  return {
    ...(type !== 'AVRO' && { schemaType: type }),
    ...(references.length > 0 && { references }),
    schema,
  };
}

/** What clients ask for that is not there is no warning. */
export function registryLogs(logger: Logger): ErrorLogs {
  return { logger, refused: limitedLines((line) => logger.info(line, 'request refused')) };
}

export function answerError(error: unknown, asked: Asked, reply: FastifyReply, logs: ErrorLogs): FastifyReply {
  const status = statusOf(error);
  const line = { status, method: asked.method, path: asked.url.split('?', 1)[0], remote: asked.ip };
  if (status >= 500 && !isFault(error)) logs.logger.error({ ...line, err: error }, 'request failed');
  else logs.refused({ ...line, reason: reasonOf(error) });
  if (status === 503) reply.header('retry-after', 1);
  discardBody(asked, reply);
  const code = error instanceof RegistryFault ? error.errorCode : status >= 500 ? 50_001 : status;
  const message = status < 500 || isFault(error) ? reasonOf(error) : 'an error of ours, in the log lines';
  reply.code(status);
  return send(asked, reply, JSON.stringify({ error_code: code, message }));
}

function statusOf(error: unknown): number {
  if (isFault(error)) return error.status;
  return (error as { readonly statusCode?: number }).statusCode ?? 500;
}
