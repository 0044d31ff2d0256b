/**
 * The HTTP server: what every system shares. Sources mount their routes on it. Bodies reach the routes unread, so that a
 * route decides how much of them it wants.
 */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import fastify, { type FastifyError, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { answerError, type ErrorLogs, refusalBody, unknownRoute } from './answer-error.ts';
import type { Certificate } from './certificate.ts';
import { answerUnparsed, answerUnroutable, maxParamLength, noteAnswers } from './early-refusals.ts';
import { continueWhenRead } from './expect-continue.ts';
import { limitedLines } from '../telemetry/limited-lines.ts';
import { noteMethods } from './route-methods.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborted when the server begins to drain: an answer that would go on without end has to end then (D8). */
    readonly draining: AbortSignal;
    /** From now on `/health/ready` says 503, so that balancers pass the node over, and each answer ends its connection. */
    turnUnready(): void;
  }
}

export interface ServerOptions {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly health: () => Promise<Health>;
  /** Default: plain HTTP. */
  readonly certificate?: Certificate | undefined;
}

export interface Health {
  /** Whether a package would be taken now. */
  readonly ready: boolean;
  /** One word, or a sentence, for each part. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Connections that have not sent a whole header by then are closed: idle ones cost others nothing. */
const headersTimeoutMs = 15_000;
/** A whole request, however slowly it comes: a large batch over a slow line has its time. What reads other bodies gives them less (body.ts). */
const requestTimeoutMs = 24 * 3_600_000;
/** What comes without a pause is taken up for so long, twice, when the server is to close. Of CPU: a busy machine is no reason to stop early. */
const takeUpCpuMs = 500;
/** Connections that are kept alive and idle are closed so long after the server has stopped listening: by then what was under way on them is here. */
const keptAliveMs = 1_000;
const lookEveryMs = 10;
/** Turns of the event loop in which nothing came: one to accept, one to read, one for what came meanwhile. */
const quietTurns = 3;
/** Who watches over a server has no token. */
const forEverybody = { config: { access: 'everybody' } } as const;

export function createServer(options: ServerOptions): FastifyInstance {
  const logs: ErrorLogs = {
    logger: options.logger,
    refused: limitedLines((line) => options.logger.warn(line, 'request refused')),
  };
  const app = listener(options.certificate, logs);
  noteMethods(app);
  app.decorateRequest('refusalDetails', undefined);
  noteAnswers(app.server);
  continueWhenRead(app.server);
  const isUnready = drainInOrder(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  app.setNotFoundHandler((request, reply) => {
    const fault = unknownRoute(request, reply);
    return reply.code(fault.status).send(refusalBody(fault));
  });
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerError(request.is404 ? unknownRoute(request, reply) : error, request, reply, logs),
  );
  app.get('/ping', forEverybody, () => ({ status: 'ok' }));
  app.get('/health/live', forEverybody, () => ({ status: 'live' }));
  app.get('/health/ready', forEverybody, async (_request, reply) => {
    const { ready, parts } = await options.health();
    if (isUnready()) return reply.code(503).send({ status: 'draining', parts });
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', parts });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', options.metrics.contentType).send(await options.metrics.metrics()),
  );
  return app;
}

function listener(certificate: Certificate | undefined, logs: ErrorLogs): FastifyInstance {
  const common = {
    logger: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what has reached us is in flight (D8)
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength },
    frameworkErrors: (error, request, reply) => answerUnroutable(error, request, reply, logs),
    clientErrorHandler: (error, socket) => answerUnparsed(error, socket, logs),
  } as const satisfies FastifyServerOptions;
  const timeouts = { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: headersTimeoutMs / 3 };
  if (certificate === undefined) return fastify({ ...common, http: timeouts });
  const https = { ...timeouts, ...certificate.context, handshakeTimeout: headersTimeoutMs };
  const app = fastify({ ...common, https });
  certificate.follow(app.server);
  return app;
}

/**
 * Before the server stops listening, it takes up what has reached it (D8). Once it is unready, each answer ends its connection: one that is
 * kept alive would bring more requests here, and hold the drain up until it has been idle for long.
 * @returns whether it is unready
 */
function drainInOrder(app: FastifyInstance): () => boolean {
  const draining = new AbortController();
  let isUnready = false;
  app.decorate('draining', draining.signal);
  app.decorate('turnUnready', () => void (isUnready = true));
  app.addHook('preClose', async () => {
    isUnready = true;
    draining.abort();
    await takeUpWhatWaits(app.server);
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (isUnready) reply.header('connection', 'close');
    done(null, payload);
  });
  return () => isUnready;
}

/**
 * A server that closes resets the connections that the operating system has made for it and that it has not accepted yet, and those
 * that it has accepted and of which it has read nothing. So it accepts all that there is, stops listening, reads what those have sent,
 * and closes only then. What connects in the very turn of the event loop in which it stops listening is still reset.
 */
async function takeUpWhatWaits(server: Server): Promise<void> {
  await untilNothingComes(server);
  NetServer.prototype.close.call(server); // the HTTP server's own close would also end connections
  await untilNothingComes(server);
  await untilAllHaveGone(server);
}

/** A client that keeps its connection may have sent on it what is not here yet: it is answered, and told to come no more. */
async function untilAllHaveGone(server: Server): Promise<void> {
  const untilMs = performance.now() + keptAliveMs;
  while (performance.now() < untilMs && (await connectionsOf(server)) > 0) await sleep(lookEveryMs);
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

/** That the process has used. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function untilNothingComes(server: Server): Promise<void> {
  let came = 0;
  const count = (): void => void (came += 1);
  server.on('connection', count).on('request', count);
  const untilMs = cpuMs() + takeUpCpuMs;
  for (let quiet = 0; quiet < quietTurns && cpuMs() < untilMs;) {
    const before = came;
    await nextTurn();
    quiet = came === before ? quiet + 1 : 0;
  }
  server.off('connection', count).off('request', count);
}
