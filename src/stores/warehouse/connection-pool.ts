/**
 * The pool through which everything reaches PostgreSQL. A connection that dies rejects what runs on it and nothing else:
 * errors of clients, idle or lent, never reach the process.
 *
 * A connection whose other end is gone without a word is noticed: before it is lent after a while in the pool (5 s), by TCP
 * itself while nothing is on its way (20 s), and where answers have a limit (`withAnswersWithin`).
 */
import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientBase, Pool, type PoolClient, type PoolConfig } from 'pg';
import { Fault, isFault } from '../../errors.ts';

const maxConnections = 20;
const connectTimeoutMs = 10_000;
const idleTimeoutMs = 30_000;
/** Before the operating system asks an idle connection's other end whether it is still there. */
const keepAliveAfterMs = 10_000;
/** A connection that has been idle for so long is asked whether it is still one. */
const trustedForMs = 5_000;
const checkLimitMs = 5_000;
/** What is still lent when the pool closes gets this long to come back. */
const closeGraceMs = 10_000;
/** A server that stands still must not hold a drain up. */
const sessionsEndWithinMs = 2_000;

/** When each idle client came back. */
const idleSinceMs = new WeakMap<PoolClient, number>();
const pools = new WeakMap<ClientBase, Pool>();

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
  pool.on('release', (_error, client) => idleSinceMs.set(client, performance.now()));
  const clients = new Set<PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    pools.set(client, pool);
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
  else await sessionsEnded(clients, grace.signal);
  grace.abort();
}

/** `Pool.end` does not wait for it, and a PostgreSQL that is stopped before calls what it ends then FATAL in its log. */
async function sessionsEnded(clients: ReadonlySet<PoolClient>, signal: AbortSignal): Promise<void> {
  const ends = [...clients].map((client) => new Promise<void>((resolve) => client.once('end', resolve)));
  const tooLong = sleep(sessionsEndWithinMs, undefined, { signal }).catch(() => undefined);
  await Promise.race([Promise.all(ends), tooLong]);
}

/**
 * A client that answers. Those that do not end here, and so does the try to get one where a new connection fails.
 * @param trustedMs one that has been idle for less is not asked; for tests
 */
export async function lend(pool: Pool, trustedMs = trustedForMs, limitMs = checkLimitMs): Promise<PoolClient> {
  for (;;) {
    const client = await pool.connect();
    const sinceMs = idleSinceMs.get(client);
    if (sinceMs === undefined || performance.now() - sinceMs < trustedMs) return client;
    try {
      await cutAfter(client, limitMs, () => client.query('SELECT'));
      return client;
    } catch {
      client.release(true);
    }
  }
}

/**
 * While the work goes on, a query of the client that is not answered in time ends with its connection and with the server's session,
 * and rejects. @throws Fault WAREHOUSE_UNAVAILABLE
 */
export async function withAnswersWithin<T>(client: ClientBase, limitMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await cutAfter(client, limitMs, work);
  } catch (error) {
    if (isFault(error, 'WAREHOUSE_UNAVAILABLE')) await endSession(client);
    throw error;
  }
}

async function cutAfter<T>(client: ClientBase, limitMs: number, work: () => Promise<T>): Promise<T> {
  const { connection, query: inherited } = client as unknown as {
    readonly connection: EventEmitter;
    readonly query: (this: ClientBase, ...args: readonly unknown[]) => unknown;
  };
  let timer: NodeJS.Timeout | undefined;
  let isCut = false;
  const answered = (): void => clearTimeout(timer);
  const cut = (): void => {
    isCut = true;
    cutConnection(client);
  };
  const query = (...args: readonly unknown[]): unknown => {
    clearTimeout(timer);
    timer = setTimeout(cut, limitMs);
    return Reflect.apply(inherited, client, args);
  };
  Object.assign(client, { query });
  connection.on('readyForQuery', answered);
  try {
    return await work();
  } catch (error) {
    if (!isCut) throw error;
    throw new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL has not answered for ${Math.round(limitMs / 1000)} s`, {
      cause: error,
    });
  } finally {
    answered();
    connection.off('readyForQuery', answered);
    Object.assign(client, { query: inherited });
  }
}

/**
 * The server may not know that the connection is gone, and its session would keep what it has locked: where it waits for us in the
 * middle of COPY, PostgreSQL has no limit. A session of another that has its number by now, and waits for its client, is one of
 * ours: it is made anew.
 */
async function endSession(gone: ClientBase): Promise<void> {
  const { processID } = gone as unknown as { processID: number | null };
  const pool = pools.get(gone);
  const client = pool && (await lend(pool).catch(() => undefined));
  if (!client) return; // the server is away, and its sessions are
  const ended = cutAfter(client, checkLimitMs, () =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = current_user
       AND application_name = current_setting('application_name') AND datname = current_database() AND wait_event = 'ClientRead'`,
      [processID],
    ),
  );
  await ended.then(
    () => client.release(),
    () => client.release(true), // the next attempt tells what is wrong
  );
}

/** Ends a connection at once, without a word to the server: what runs on it rejects. */
export function cutConnection(client: ClientBase): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
