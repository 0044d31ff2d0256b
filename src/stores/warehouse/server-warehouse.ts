/** A PostgreSQL server by URL, 13 or newer. Its password is in no message. */
import { Client, DatabaseError, escapeIdentifier, type Pool } from 'pg';
import { Fault, reasonOf } from '../../errors.ts';
import { connectionPool, lend } from './connection-pool.ts';
import type { Warehouse } from './warehouse.ts';

/** PostgreSQL 13, as `server_version_num` says it. */
const oldestVersion = 130_000;

export interface ServerWarehouseOptions {
  /** `postgresql://user:password@host:port/database`, with libpq's parameters behind. */
  readonly url: string;
  /** That the URL leads to; made where it is missing. Default: the one that the role has. */
  readonly schema?: string | undefined;
}

/** @throws Fault WAREHOUSE_UNAVAILABLE where it does not answer, refuses us, or is older than 13; WAREHOUSE_DENIED */
export async function openServerWarehouse({ url, schema }: ServerWarehouseOptions): Promise<Warehouse> {
  const { host, port, database } = placeOf(url);
  const where = `${host}:${port}/${database}`;
  // An idle connection that ends is nobody's loss: the next query makes another.
  const { pool, close } = connectionPool({ connectionString: url }, () => undefined);
  try {
    await checkVersion(pool, where);
    if (schema !== undefined) await ensureSchema(pool, schema, where);
  } catch (error) {
    await close();
    throw error;
  }
  return { pool, lend: () => lend(pool), url, close };
}

async function checkVersion(pool: Pool, where: string): Promise<void> {
  const answer = await pool.query<{ server_version_num: string }>('SHOW server_version_num').catch((error: unknown) => {
    throw new Fault(
      'WAREHOUSE_UNAVAILABLE',
      `PostgreSQL at ${where} does not take us: ${reasonOf(error)}${detailOf(error)}`,
    );
  });
  const version = Number(answer.rows[0]?.server_version_num);
  if (!(version >= oldestVersion))
    throw new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL at ${where} is older than 13 (${version})`);
}

/** Under a lock: two nodes may start at once. */
async function ensureSchema(pool: Pool, schema: string, where: string): Promise<void> {
  const { rows } = await pool.query<{ is: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS is', [schema]);
  if (rows[0]?.is) return;
  const lock = `SELECT pg_advisory_xact_lock(hashtextextended('tributary: schema', 0))`;
  const made = pool.query(`BEGIN; ${lock}; CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}; COMMIT`);
  await made.catch((error: unknown) => {
    throw new Fault('WAREHOUSE_DENIED', `the schema ${schema} cannot be made at ${where}: ${reasonOf(error)}`, {
      cause: error,
    });
  });
}

/** Where a privilege is missing, this names it. */
function detailOf(error: unknown): string {
  return error instanceof DatabaseError && error.detail !== undefined ? ` (${error.detail})` : '';
}

/** Where a URL leads, and as whom. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly user: string | undefined;
}

/** Without the password. Makes a client, which connects to nothing, because `pg` alone knows how it reads URLs. @throws Fault WAREHOUSE_UNAVAILABLE */
export function placeOf(url: string): Place {
  try {
    const { host, port, database, user } = new Client({ connectionString: url });
    return { host, port, database, user };
  } catch {
    // What it throws quotes the URL.
    throw new Fault('WAREHOUSE_UNAVAILABLE', 'the URL of PostgreSQL cannot be read');
  }
}
