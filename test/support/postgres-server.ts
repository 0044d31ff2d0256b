/**
 * PostgreSQL for tests: an embedded warehouse on a directory of its own, and a server reached by URL, with a password,
 * as in production. Where TRIBUTARY_TEST_DATABASE_URL is set, that server is taken, a new database on it for each call.
 */
import { freePort } from '../../src/services/free-ports.ts';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findBinaries } from '../../src/stores/warehouse/embedded/binaries.ts';
import { readLockFile } from '../../src/stores/warehouse/embedded/lock-file.ts';
import { type ServerProcess, startServer } from '../../src/stores/warehouse/embedded/server-process.ts';
import type { Settings } from '../../src/stores/warehouse/embedded/settings.ts';
import { unprivilegedUser } from '../../src/stores/warehouse/embedded/unprivileged-user.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';

const run = promisify(execFile);

export interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPostgresServer(): Promise<TestServer> {
  const given = process.env['TRIBUTARY_TEST_DATABASE_URL'];
  return given === undefined ? ownPostgresServer() : databaseOn(given);
}

export interface OwnPostgresServer extends TestServer {
  /** As with kill -9 of all of it, or by a shutdown that ends sessions. It can be started again. */
  halt(how: 'SIGKILL' | 'shutdown'): Promise<void>;
  start(): Promise<void>;
}

/** Of its own in any case, so that a test may halt it. @param more settings, told where its directory is */
export async function ownPostgresServer(
  more: (dir: string) => Promise<Settings> = async () => ({}),
): Promise<OwnPostgresServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-server-'));
  const password = randomBytes(8).toString('hex');
  const dataDir = join(dir, 'data');
  const binaries = await findBinaries();
  const as = await unprivilegedUser(dataDir);
  const passwordFile = join(dir, 'password');
  await writeFile(passwordFile, password);
  const flags = ['-D', dataDir, '-U', 'tester', '-E', 'UTF8', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const command = [...as.prefix, binaries.initdb, ...flags, '--locale=C', '--no-sync'];
  await run(command[0] as string, command.slice(1), { ...as.ids });
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', ...(await more(dir)) };
  const start = (): Promise<ServerProcess> => startServer({ binaries, as, dataDir, settings, log: () => undefined });
  let server = await start();
  return {
    url: `postgresql://tester:${password}@127.0.0.1:${port}/postgres`,
    halt: async (how) => {
      if (how === 'shutdown') return server.stop();
      const found = await readLockFile(dataDir);
      process.kill(found!.pid, 'SIGKILL');
      await server.ended;
    },
    start: async () => {
      server = await start();
    },
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function databaseOn(url: string): Promise<TestServer> {
  const name = `tributary_test_${randomBytes(6).toString('hex')}`;
  await query(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return { url: own.href, stop: () => query(url, `DROP DATABASE ${name} WITH (FORCE)`) };
}

/** One statement, or several, by a connection of its own. */
export async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

export interface TestWarehouse {
  readonly warehouse: Warehouse;
  /** What the warehouse has logged. */
  readonly lines: readonly string[];
  /** PostgreSQL's data directory; none where it is a server by URL. */
  readonly dir?: string;
  close(): Promise<void>;
}

export async function openTestEmbedded(): Promise<TestWarehouse> {
  const parent = await mkdtemp(join(tmpdir(), 'tributary-embedded-'));
  const dir = join(parent, 'warehouse');
  const lines: string[] = [];
  const warehouse = await openEmbeddedWarehouse({ dir, log: (line) => lines.push(line) });
  const close = async (): Promise<void> => {
    await warehouse.close();
    await rm(parent, { recursive: true, force: true });
    await rm(new URL(warehouse.url).searchParams.get('host') as string, { recursive: true, force: true });
  };
  return { warehouse, lines, dir, close };
}

export async function openTestServer(): Promise<TestWarehouse> {
  const server = await startPostgresServer();
  const warehouse = await openServerWarehouse({ url: server.url });
  const close = async (): Promise<void> => {
    await warehouse.close();
    await server.stop();
  };
  return { warehouse, lines: [], close };
}
