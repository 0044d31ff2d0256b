/**
 * The pool through which everything reaches PostgreSQL. A connection that dies rejects what runs on it and nothing else:
 * errors of clients, idle or lent, never reach the process. A server that does not answer stalls its callers: there is no
 * client-side query timeout; only getting a connection has a limit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type PoolClient, type PoolConfig } from 'pg';

const maxConnections = 20;
const connectTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;
/** Before the operating system asks an idle connection's other end whether it is still there. */
const keepAliveAfterMs = 10_000;
/** What is still lent when the pool closes gets this long to come back. */
const closeGraceMs = 10_000;

export interface ConnectionPool {
  readonly pool: Pool;
  /** Waits for lent clients, up to 10 s, then cuts their connections. */
  readonly close: () => Promise<void>;
}

export function connectionPool(where: PoolConfig, onError: (message: string) => void): ConnectionPool {
  const pool = new Pool({
    application_name: 'tributary',
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    ...where,
  });
  const clients = new Set<PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // A lent client has no listener of the pool's, and an 'error' without listener ends the process.
    client.on('error', () => clients.delete(client));
    client.once('end', () => clients.delete(client));
  });
  pool.on('error', (error) => onError(`an idle connection to PostgreSQL ended: ${error.message}`));
  return { pool, close: () => closePool(pool, clients) };
}

async function closePool(pool: Pool, clients: ReadonlySet<PoolClient>): Promise<void> {
  const grace = new AbortController();
  const graceIsOver = sleep(closeGraceMs, true, { signal: grace.signal }).catch(() => false);
  const ended = pool.end().then(() => false);
  if (await Promise.race([ended, graceIsOver])) for (const client of clients) cutConnection(client);
  grace.abort();
}

/** Ends a connection at once, without a word to the server: what runs on it rejects. */
export function cutConnection(client: PoolClient): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
