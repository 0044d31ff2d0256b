/**
 * The routes of an app, on the server: what it answers of its views and of the warehouse as JSON, the same live, and pages. Pages are
 * for everybody, since there is nothing of anybody's in them; the rest takes a key where the server is guarded, as sources do.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import type { JsonRoute, Route, RouteRequest } from '../../pipeline/routes.ts';
import { ParameterReader } from '../../sources/http/parameters.ts';
import { type Answering, answerRoute } from './answer-route.ts';
import { liveLimits, type LiveLimits, mountLive } from './live-route.ts';
import { mountPage } from './page-route.ts';

export interface MountRoutesOptions extends Answering {
  readonly routes: readonly Route[];
  readonly logger: Logger;
  readonly limits?: LiveLimits;
  /** Told how long each JSON answer took that was looked for, those that failed among them. Default: nobody is. */
  readonly onAnswered?: (route: string, seconds: number) => void;
}

/** @throws Fault PIPELINE_INVALID for a path that cannot be mounted, or a page that cannot be read */
export async function mountRoutes(server: FastifyInstance, options: MountRoutesOptions): Promise<void> {
  const { routes, logger, limits = liveLimits } = options;
  for (const route of routes) {
    checkPath(server, route);
    if (route.kind === 'page') await mountPage(server, route);
    else if (route.kind === 'live') mountLive(server, route, { answering: options, logger, limits });
    else mountJson(server, route, options);
  }
}

function mountJson(server: FastifyInstance, route: JsonRoute, { onAnswered, ...answering }: MountRoutesOptions): void {
  server.get(route.path, { config: { access: 'source' } }, async (request, reply) => {
    const startedMs = performance.now();
    const told = (): void => onAnswered?.(route.path, (performance.now() - startedMs) / 1000);
    const text = await answerRoute(route, requestOf(request, route), answering).finally(told);
    reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
    return reply.send(text);
  });
}

/** @throws Fault REQUEST_INVALID, naming the parameter */
function requestOf(request: FastifyRequest, { parameters }: JsonRoute): RouteRequest {
  const reader = new ParameterReader(parameters);
  if (parameters.length > 0) reader.query(request.raw.url ?? '');
  return { path: request.params as RouteRequest['path'], query: reader.all() };
}

const plainPath = /^(?:\/[A-Za-z0-9._~-]+)+$/;
const path = /^(?:\/(?::[A-Za-z]\w*|[A-Za-z0-9._~-]+))+$/;

function checkPath(server: FastifyInstance, route: Route): void {
  const [form, example] = route.kind === 'json' ? [path, '/orders/:id'] : [plainPath, '/orders'];
  if (!form.test(route.path))
    throw new Fault(
      'PIPELINE_INVALID',
      `the path of a ${route.kind} route is like ${example}, not ${JSON.stringify(route.path)}`,
    );
  if (server.hasRoute({ url: route.path, method: 'GET' }))
    throw new Fault('PIPELINE_INVALID', `two routes answer GET ${route.path}`);
}
