/**
 * `GET <path>` of a live route: server-sent events. The answer comes at once, then whenever it has changed, and a comment every so
 * often. Nothing piles up for a client that does not read (D6), and a server that drains ends every stream (D8): clients come
 * again by themselves.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import type { LiveRoute } from '../../pipeline/routes.ts';
import { type Answering, answerRoute } from './answer-route.ts';
import { LiveAnswer } from './live-answer.ts';
import { Listener } from './listener.ts';

export interface LiveLimits {
  /** Of a route; who comes then is refused (503). */
  readonly maxListeners: number;
  /** Between two looks at what is answered. */
  readonly lookEveryMs: number;
  /** After so long a stream says that it is there, and is looked after: whether it is read, and whether its key is still good. */
  readonly heartbeatMs: number;
  /** After which a client comes again. */
  readonly retryMs: number;
}

export const liveLimits: LiveLimits = { maxListeners: 1_000, lookEveryMs: 250, heartbeatMs: 15_000, retryMs: 1_000 };

export interface LiveOptions {
  readonly answering: Answering;
  readonly logger: Logger;
  readonly limits: LiveLimits;
}

export function mountLive(server: FastifyInstance, route: LiveRoute, { answering, logger, limits }: LiveOptions): void {
  const answer = new LiveAnswer({
    look: () => answerRoute(route, { path: {}, query: {} }, answering),
    lookEveryMs: limits.lookEveryMs,
    onTrouble: (error) => logger.error({ err: error, path: route.path }, 'a live answer is not up to date'),
  });
  let listeners = 0;
  server.get(route.path, { config: { access: 'source' } }, async (request, reply) => {
    if (listeners >= limits.maxListeners)
      throw new Fault('BUSY', `${route.path} has ${limits.maxListeners} listeners, and takes no more`);
    listeners += 1;
    reply.raw.once('close', () => (listeners -= 1));
    const text = await answer.current();
    if (request.method === 'HEAD') return reply.headers(headers).send();
    answer.add(begin(request, reply, limits), text);
    return reply;
  });
  server.draining.addEventListener('abort', () => answer.end());
  server.addHook('onClose', () => answer.ended());
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  /** Proxies hand each event on as it comes. */
  'x-accel-buffering': 'no',
  connection: 'close',
} as const;

function begin(request: FastifyRequest, reply: FastifyReply, { heartbeatMs, retryMs }: LiveLimits): Listener {
  reply.hijack();
  const response: ServerResponse = reply.raw;
  response.writeHead(200, headers);
  const isWelcome = (): boolean => request.isStillGood?.() ?? true;
  response.write(`retry: ${retryMs}\n\n`);
  return new Listener(response, { heartbeatMs, isWelcome });
}
