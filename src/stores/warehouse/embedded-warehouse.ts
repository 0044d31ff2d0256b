/**
 * A PostgreSQL server that belongs to this process: made on first use, reached over a unix socket (no port), started
 * again when it dies, gone when this process is gone, however it ends. Linux and macOS; not Windows.
 */
import type { PoolConfig } from 'pg';
import { Fault } from '../../errors.ts';
import { type ConnectionPool, connectionPool, lend } from './connection-pool.ts';
import { findBinaries } from './embedded/binaries.ts';
import { canonicalPath, database, initialise, superuser } from './embedded/data-directory.ts';
import { isServerOf, readLockFile } from './embedded/lock-file.ts';
import { embeddedSettings, type Settings } from './embedded/settings.ts';
import { makeSocketDirectory } from './embedded/socket-directory.ts';
import { supervise } from './embedded/supervisor.ts';
import { unprivilegedUser } from './embedded/unprivileged-user.ts';
import type { Warehouse } from './warehouse.ts';

/** Names the socket's file; nothing listens on a port. */
const socketPort = 5432;

export interface EmbeddedWarehouseOptions {
  /** PostgreSQL's data directory; made where it is missing. */
  readonly dir: string;
  /** Takes PostgreSQL's own log lines (starts, stops, failures) and ours about it. */
  readonly log: (line: string) => void;
  /** Over those of `embedded/settings.ts`, where nothing has to outlive the machine. Default none. */
  readonly settings?: Settings;
}

/** @throws Fault WAREHOUSE_IN_USE, WAREHOUSE_UNAVAILABLE */
export async function openEmbeddedWarehouse(options: EmbeddedWarehouseOptions): Promise<Warehouse> {
  const { log } = options;
  const dataDir = await canonicalPath(options.dir);
  const binaries = await findBinaries();
  const as = await unprivilegedUser(dataDir);
  await initialise(binaries, as, dataDir);
  const socketDir = await makeSocketDirectory(dataDir, as);
  const settings = { ...embeddedSettings, ...options.settings, unix_socket_directories: socketDir, port: socketPort };
  const server = await supervise({ binaries, as, dataDir, settings, log });
  const connections = connect(socketDir, socketPort, log);
  return {
    pool: connections.pool,
    lend: () => lend(connections.pool),
    url: urlOf(socketDir, socketPort),
    close: async () => {
      await connections.close();
      await server.stop();
    },
  };
}

/** Reaches the server that another process runs on the directory. @throws Fault WAREHOUSE_UNAVAILABLE where none does */
export async function attachEmbeddedWarehouse(options: { readonly dir: string }): Promise<Warehouse> {
  const dataDir = await canonicalPath(options.dir);
  const found = await readLockFile(dataDir);
  if (!found || found.socketDir === '' || !(await isServerOf(dataDir, found.pid)))
    throw new Fault(
      'WAREHOUSE_UNAVAILABLE',
      `no PostgreSQL runs on ${dataDir}: start tributary on this data directory`,
    );
  if (found.status !== 'ready')
    throw new Fault('WAREHOUSE_UNAVAILABLE', `the PostgreSQL on ${dataDir} is ${found.status}`);
  const { pool, close } = connect(found.socketDir, found.port, () => undefined);
  return { pool, lend: () => lend(pool), url: urlOf(found.socketDir, found.port), close };
}

function connect(socketDir: string, port: number, onError: (message: string) => void): ConnectionPool {
  // For `pg`, a directory as host means a socket in it. No password: without one, `pg` would look for ~/.pgpass.
  const where: PoolConfig = { host: socketDir, port, user: superuser, database, password: '' };
  return connectionPool(where, onError);
}

function urlOf(socketDir: string, port: number): string {
  // A user before an empty host is fine for libpq, but no URL.
  return `postgresql:///${database}?host=${encodeURIComponent(socketDir)}&port=${port}&user=${superuser}`;
}
