/**
 * What is refused before a route is asked: requests that are no HTTP, too large or too slow in coming, and paths that cannot be
 * read. Their answers have the form of all others, and under `/registry` that of the registry.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../errors.ts';
import { answerError, type ErrorLogs, refusalBody } from './answer-error.ts';
import { answerError as answerAsRegistry, registryPrefix } from './registry/answer.ts';
import type { Asked } from './registry/request.ts';

/** Of the router: Fastify's `frameworkErrors`. */
export function answerUnroutable(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  logs: ErrorLogs,
): void {
  const fault = unroutable(error);
  const isRegistry = request.url.startsWith(`${registryPrefix}/`);
  if (isRegistry) answerAsRegistry(fault, request as Asked, reply, logs);
  else answerError(fault, request, reply, logs);
}

function unroutable(error: FastifyError): FastifyError | Fault {
  if (error.code === 'FST_ERR_BAD_URL')
    return new Fault('URL_INVALID', 'the path is not percent-encoded UTF-8', { cause: error });
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH')
    return new Fault('URL_TOO_LONG', `a part of the path is longer than ${maxParamLength} characters`, {
      cause: error,
    });
  return error;
}

/** Of what stands in a path between two slashes. */
export const maxParamLength = 500;

/** Of the HTTP parser: Fastify's `clientErrorHandler`. */
export function answerUnparsed(error: NodeJS.ErrnoException, socket: Socket, logs: ErrorLogs): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
  const fault = unparsed(error);
  logs.refused({ code: fault.code, status: fault.status, remote: socket.remoteAddress, reason: fault.message });
  if (!socket.writable || isBeingAnswered(socket)) socket.destroy();
  else socket.end(answerText(fault), () => socket.destroy());
}

function unparsed(error: NodeJS.ErrnoException): Fault {
  const options = { cause: error };
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Fault('REQUEST_TIMEOUT', 'the request did not arrive whole in time', options);
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new Fault('HEADERS_TOO_LARGE', 'the request line and the headers are larger than 16 KiB', options);
  return new Fault('HTTP_INVALID', `what arrived is no HTTP request: ${error.message}`, options);
}

function answerText(fault: Fault): string {
  const body = JSON.stringify(refusalBody(fault));
  return [
    `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

const newestAnswers = new WeakMap<Socket, ServerResponse>();

/** So that `answerUnparsed` writes nothing into the middle of an answer. */
export function noteAnswers(server: Server): void {
  server.on('request', (request: IncomingMessage, answer: ServerResponse) => newestAnswers.set(request.socket, answer));
}

function isBeingAnswered(socket: Socket): boolean {
  const newest = newestAnswers.get(socket);
  return newest !== undefined && newest.headersSent && !newest.writableFinished;
}
