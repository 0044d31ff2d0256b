/** A server with nothing but the routes of an app. */
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { type LiveLimits, liveLimits } from '../../src/api/app-routes/live-route.ts';
import { mountRoutes } from '../../src/api/app-routes/mount-routes.ts';
import { createServer } from '../../src/api/server.ts';
import type { ReadView, Route, Sql } from '../../src/index.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

export interface RoutesServer {
  readonly url: string;
  readonly server: FastifyInstance;
  /** Log lines so far. */
  readonly lines: readonly string[];
}

export interface RoutesServerOptions {
  readonly routes: readonly Route[];
  /** Default: there are no views. */
  readonly read?: ReadView;
  /** Default: there is no warehouse. */
  readonly sql?: Sql;
  readonly limits?: Partial<LiveLimits>;
  /** Default: any that is free. */
  readonly port?: number;
  /** Before the routes are mounted. */
  readonly prepare?: (server: FastifyInstance) => void;
}

/** Closed after the test. */
export async function serveRoutes(t: TestContext, options: RoutesServerOptions): Promise<RoutesServer> {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', to: { write: (line) => lines.push(line) } });
  const server = createServer({ logger, metrics: new Registry(), health: async () => ({ ready: true, parts: {} }) });
  const { routes, read = noViews, sql = noWarehouse, limits = {}, port = 0, prepare } = options;
  prepare?.(server);
  t.after(() => {
    server.server.closeIdleConnections(); // a drain would wait for those that are kept alive
    return server.close();
  });
  await mountRoutes(server, { routes, read, sql, logger, limits: { ...liveLimits, ...limits } });
  await server.listen({ port, host: '127.0.0.1' });
  const address = server.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, server, lines };
}

const noWarehouse: Sql = () => {
  throw new Error('no warehouse is asked');
};

const noViews: ReadView = () => {
  throw new Error('no view is read');
};
