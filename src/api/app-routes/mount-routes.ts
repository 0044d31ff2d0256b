/**
 * The routes of an app, on the server: what it answers of its views as JSON, the same live, and pages. Pages are for everybody,
 * since there is nothing of anybody's in them; the rest takes a key where the server is guarded, as sources do.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Fault } from '../../errors.ts';
import type { JsonRoute, Route } from '../../pipeline/routes.ts';
import type { ReadView } from '../../pipeline/views.ts';
import { answerRoute } from './answer-route.ts';
import { liveLimits, type LiveLimits, mountLive } from './live-route.ts';
import { mountPage } from './page-route.ts';

export interface MountRoutesOptions {
  readonly routes: readonly Route[];
  /** Of the app's pipeline. */
  readonly read: ReadView;
  readonly logger: Logger;
  readonly limits?: LiveLimits;
}

/** @throws Fault PIPELINE_INVALID for a path that cannot be mounted, or a page that cannot be read */
export async function mountRoutes(server: FastifyInstance, options: MountRoutesOptions): Promise<void> {
  const { routes, read, logger, limits = liveLimits } = options;
  for (const route of routes) {
    checkPath(server, route);
    if (route.kind === 'page') await mountPage(server, route);
    else if (route.kind === 'live') mountLive(server, route, { read, logger, limits });
    else mountJson(server, route, read);
  }
}

function mountJson(server: FastifyInstance, route: JsonRoute, read: ReadView): void {
  server.get(route.path, { config: { access: 'source' } }, async (request, reply) => {
    const text = await answerRoute(route, request.params as Readonly<Record<string, string>>, read);
    reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
    return reply.send(text);
  });
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
