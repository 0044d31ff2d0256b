/** A request that fails is answered with `{ error, message, todo }` and a code of the catalogue, and told in a log line. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../errors.ts';
import { discardBody } from './discard-body.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a refusal says beside its code. */
    refusalDetails?: object | undefined;
  }
}

export interface ErrorLogs {
  readonly logger: Logger;
  readonly refused: (line: object) => void;
}

const retryAfterSeconds = 1;

export function answerError(
  error: FastifyError | Fault,
  request: FastifyRequest,
  reply: FastifyReply,
  logs: ErrorLogs,
): FastifyReply {
  const fault = faultOf(error);
  const status = fault?.status ?? 500;
  const line = { code: fault?.code ?? 'INTERNAL', status, method: request.method, path: pathOf(request) };
  if (fault === undefined) logs.logger.error({ ...line, remote: request.ip, err: error }, 'request failed');
  else logs.refused({ ...line, remote: request.ip, reason: fault.message });
  if (status === 503) reply.header('retry-after', retryAfterSeconds);
  discardBody(request, reply);
  return reply.code(status).send({ ...(fault ? refusalBody(fault) : internal), ...request.refusalDetails });
}

export const internal = { error: 'INTERNAL', message: 'an error of ours, in the log lines' } as const;

export function refusalBody({ code, message, todo }: Fault): object {
  return { error: code, message, todo };
}

/** What Fastify itself refuses says only by its status what it is. Undefined where it is no refusal but a defect. */
function faultOf(error: FastifyError | Fault): Fault | undefined {
  if (error instanceof Fault) return error;
  const { statusCode = 500, message } = error;
  if (statusCode >= 500) return undefined;
  if (statusCode === 413) return new Fault('PACKAGE_TOO_LARGE', message, { cause: error });
  if (statusCode === 415) return new Fault('CONTENT_TYPE_UNSUPPORTED', message, { cause: error });
  return new Fault('REQUEST_INVALID', message, { cause: error });
}

/** Nobody asked for anything that there is: answered without a log line. */
export function unknownRoute(request: FastifyRequest, reply: FastifyReply): Fault {
  const allowed = request.server.methodsAt(pathOf(request));
  if (allowed.length === 0) return new Fault('NOT_FOUND', `there is no ${request.method} ${pathOf(request)}`);
  reply.header('allow', allowed.join(', '));
  return new Fault('METHOD_NOT_ALLOWED', `${pathOf(request)} takes ${allowed.join(', ')}, not ${request.method}`);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] as string;
}
