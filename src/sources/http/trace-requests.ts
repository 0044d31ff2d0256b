/**
 * A span for each request to a source, from its header to the end of its answer, by OpenTelemetry's conventions for HTTP servers. No
 * other route has one.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isFault } from '../../errors.ts';
import type { Answer } from '../../ingest/answer.ts';
import type { Span, SpanAttributes, Traces } from '../../telemetry/tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** On routes of sources, where the request is traced. */
    span?: Span | undefined;
    /** Why it is refused. */
    failure?: Error | undefined;
  }
}

/** Before the server is guarded: a request that is refused is traced too. */
export function traceRequests(app: FastifyInstance, traces: Traces): void {
  app.decorateRequest('span', undefined);
  app.decorateRequest('failure', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'POST' && request.routeOptions.config.access === 'source') begin(request, reply, traces);
    done();
  });
  app.addHook('onError', (request, _reply, error, done) => {
    request.failure = error;
    done();
  });
}

function begin(request: FastifyRequest, reply: FastifyReply, traces: Traces): void {
  const { method, routeOptions } = request;
  const name = `${method} ${routeOptions.url}`;
  const span = traces.request({ name, headers: request.headers, attributes: aboutRequest(request) });
  if (span === undefined) return;
  request.span = span;
  reply.raw.once('close', () => end(span, request, reply)); // also where the producer is gone before it is answered
}

function aboutRequest({ method, routeOptions, url, protocol, ip, raw, headers }: FastifyRequest): SpanAttributes {
  return {
    'http.request.method': method,
    'http.route': routeOptions.url ?? '',
    'url.path': url.split('?', 1)[0] as string,
    'url.scheme': protocol,
    'client.address': ip,
    'network.protocol.version': raw.httpVersion,
    ...(headers['user-agent'] !== undefined && { 'user_agent.original': headers['user-agent'] }),
  };
}

function end(span: Span, { failure }: FastifyRequest, { raw }: FastifyReply): void {
  if (isFault(failure)) span.set({ 'tributary.fault': failure.code });
  if (!raw.writableFinished) return span.end(failure ?? connectionClosed());
  span.set({ 'http.response.status_code': raw.statusCode });
  span.end(raw.statusCode >= 500 ? (failure ?? new Error(`answered ${raw.statusCode}`)) : undefined);
}

function connectionClosed(): Error {
  return Object.assign(new Error('the connection was closed before the answer'), { code: 'ECONNRESET' });
}

/** What became of the package. */
export function aboutPackage(pipeline: string, { packageId, accepted, rejected }: Answer): SpanAttributes {
  return {
    'tributary.pipeline': pipeline,
    'tributary.package.id': packageId,
    'tributary.events.accepted': accepted,
    'tributary.events.rejected': rejected,
  };
}
