/** A server with nothing but the batches of a table of prices, on a PostgreSQL of its own. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Registry } from 'prom-client';
import { createServer } from '../../src/api/server.ts';
import { type Bulk, bulk, day, positiveInteger, text } from '../../src/index.ts';
import { Batches } from '../../src/sources/bulk/batches.ts';
import { mountBulk } from '../../src/sources/bulk/bulk-routes.ts';
import type { BulkObserver } from '../../src/sources/bulk/bulk-observer.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { httpRequest } from './http-request.ts';

export const path = '/prices/batches';

export const tables = `
  CREATE TABLE ports (code text PRIMARY KEY);
  CREATE TABLE prices (
    orig_code text NOT NULL REFERENCES ports, dest_code text NOT NULL REFERENCES ports, day date NOT NULL, price integer NOT NULL
  );
  INSERT INTO ports VALUES ('AAAAA'), ('BBBBB'), ('CCCCC')`;

export function pricesBulk(more: Partial<Bulk> = {}): Bulk {
  const definition = bulk({
    name: 'prices',
    path,
    table: 'prices',
    columns: { orig_code: text(), dest_code: text(), day: day(), price: positiveInteger() },
    references: [
      { columns: ['orig_code'], to: { table: 'ports', columns: ['code'] } },
      { columns: ['dest_code'], to: { table: 'ports', columns: ['code'] } },
    ],
    onConflict: 'insert',
  });
  return { ...definition, ...more };
}

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
/** Of an app with that table, for the real program. */
export const bulkAppModule = `
import { bulk, day, positiveInteger, text } from ${JSON.stringify(index)};
const to = { table: 'ports', columns: ['code'] };
export const app = { bulk: bulk({ name: 'prices', path: ${JSON.stringify(path)}, table: 'prices', onConflict: 'insert',
  columns: { orig_code: text(), dest_code: text(), day: day(), price: positiveInteger() },
  references: [{ columns: ['orig_code'], to }, { columns: ['dest_code'], to }] }) };
`;

export interface BulkAnswer {
  readonly batch_id: string;
  readonly state?: string;
  readonly error?: string;
  readonly message?: string;
  readonly dry_run?: boolean;
  readonly rows?: number;
  readonly error_count?: number;
  readonly errors?: readonly {
    readonly line: number | null;
    readonly field: string | null;
    readonly value: string | null;
    readonly reason: string;
  }[];
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly answer: BulkAnswer;
}

export interface BulkServer {
  readonly url: string;
  readonly send: (
    body: string | Uint8Array,
    headers?: Readonly<Record<string, string>>,
    query?: string,
  ) => Promise<Answered>;
  readonly status: (id: string) => Promise<Answered>;
  readonly statusOfKey: (key: string) => Promise<Answered>;
  readonly cancel: (id: string) => Promise<Answered>;
}

/** Closed after the test. */
export async function serveBulk(
  t: Pick<TestContext, 'after'>,
  warehouse: Warehouse,
  definition: Bulk,
  observer?: BulkObserver,
): Promise<BulkServer> {
  const logger = createLogger({ level: 'fatal' });
  const server = createServer({ logger, metrics: new Registry(), health: async () => ({ ready: true, parts: {} }) });
  const batches = new Batches(definition, async () => warehouse, observer);
  mountBulk(server, { batches, bodyIdleTimeoutMs: 30_000, logger });
  t.after(() => {
    server.server.closeIdleConnections();
    return server.close();
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  return bulkClient(`http://127.0.0.1:${(server.server.address() as AddressInfo).port}`, definition.path);
}

export function bulkClient(url: string, at: string): BulkServer {
  const ask = async (to: string, options?: Parameters<typeof httpRequest>[1]): Promise<Answered> => {
    const { status, headers, text: answer } = await httpRequest(`${url}${at}${to}`, options);
    return { status, headers, answer: JSON.parse(answer) as BulkAnswer };
  };
  return {
    url,
    send: (body, headers = { 'content-type': 'text/csv' }, query = '') => ask(query, { body, headers }),
    status: (id) => ask(`/${id}`),
    statusOfKey: (key) => ask(`?idempotency_key=${encodeURIComponent(key)}`),
    cancel: (id) => ask(`/${id}`, { method: 'DELETE' }),
  };
}
