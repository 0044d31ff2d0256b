/**
 * One embedded PostgreSQL for all runs of a process, started by the first that needs it; each run has a database of its own.
 * It ends, and its directory goes, once no run has needed it for a moment, so that it does not keep the process alive.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedWarehouse } from '../stores/warehouse/embedded-warehouse.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';

export interface TestDatabase {
  /** A connection string. */
  readonly url: string;
  /** Ends what still uses it. */
  drop(): Promise<void>;
}

interface Server {
  readonly warehouse: Warehouse;
  readonly dir: string;
}

/** Longer than from the end of one test to the start of the next. */
const idleMs = 250;

/** A run's crash is not the machine's: nothing has to be synced. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

let server: Promise<Server> | undefined;
let databases = 0;
let idle: NodeJS.Timeout | undefined;

/** @throws Fault WAREHOUSE_UNAVAILABLE */
export async function newDatabase(): Promise<TestDatabase> {
  clearTimeout(idle);
  databases += 1;
  try {
    const { warehouse } = await (server ??= startServer());
    const name = `run_${randomBytes(6).toString('hex')}`;
    await warehouse.pool.query(`CREATE DATABASE ${name}`);
    const drop = async (): Promise<void> => {
      await warehouse.pool.query(`DROP DATABASE ${name} WITH (FORCE)`).finally(release);
    };
    return { url: warehouse.url.replace(/^(postgresql:\/\/\/)[^?]*/, `$1${name}`), drop };
  } catch (error) {
    release();
    throw error;
  }
}

async function startServer(): Promise<Server> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-testing-postgres-'));
  try {
    const options = { dir: join(dir, 'data'), settings, log: () => undefined };
    return { dir, warehouse: await openEmbeddedWarehouse(options) };
  } catch (error) {
    server = undefined;
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

function release(): void {
  databases -= 1;
  if (databases > 0 || server === undefined) return;
  idle = setTimeout(() => {
    const ending = server;
    server = undefined;
    if (ending) void end(ending);
  }, idleMs);
}

async function end(ending: Promise<Server>): Promise<void> {
  const { warehouse, dir } = await ending;
  await warehouse.close();
  await rm(dir, { recursive: true, force: true });
}
