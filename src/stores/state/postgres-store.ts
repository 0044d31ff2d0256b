/**
 * Keyed state in a table of PostgreSQL, `tributary_state` (promises: state-store.ts; docs/decisions/state-on-redis-and-postgres.md).
 *
 * - A commit is one request, which the server carries through alone: a process that stands still holds no lock.
 * - One commit at a time, of all processes, so that an expectation of nothing holds, too.
 * - The table is made by the first commit that misses it; until then nothing is there.
 */
import { Client, type Pool, type QueryResult } from 'pg';
import { Fault, reasonOf } from '../../errors.ts';
import { connectionPool } from '../warehouse/connection-pool.ts';
import { commitText, createText, liveRows } from './postgres-commit.ts';
import { keyBytes } from './state-key.ts';
import type { StateChange, StateStore } from './state-store.ts';

export interface PostgresStoreOptions {
  /** `postgresql://user:password@host:port/database`, with libpq's parameters behind. */
  readonly url: string;
}

/** What is not done by then is given up: connecting, and each request. */
const timeoutMs = 3_000;
const maxConnections = 4;
const entriesPerRead = 256;

/** Connects when it is used. @throws Fault STATE_UNAVAILABLE where the URL cannot be read */
export function openPostgresStore({ url }: PostgresStoreOptions): StateStore {
  return new PostgresStore(url);
}

class PostgresStore implements StateStore {
  readonly #pool: Pool;
  readonly #closePool: () => Promise<void>;
  readonly #where: string;
  /** The last one that was asked for. */
  #commits: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(url: string) {
    this.#where = placeOf(url);
    const settings = {
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
    };
    // An idle connection that ends is nobody's loss: the next query makes another.
    const { pool, close } = connectionPool(settings, () => undefined);
    this.#pool = pool;
    this.#closePool = close;
  }

  async get(key: string): Promise<Buffer | undefined> {
    const rows = await this.#rows('key = $1', [keyBytes(key)]);
    return rows[0]?.value;
  }

  async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const wanted = keys.map(keyBytes);
    const rows = await this.#rows('key = ANY($1::bytea[])', [wanted]);
    const found = new Map(rows.map(({ key, value }) => [key.toString(), value]));
    return keys.map((key) => found.get(key));
  }

  async commit(change: StateChange): Promise<boolean> {
    const text = commitText(change);
    const untilMs = performance.now() + timeoutMs;
    const committed = this.#commits.then(() => this.#run(text, untilMs));
    this.#commits = committed.catch(() => undefined); // whoever asked for it is told
    return committed;
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    const first = keyBytes(prefix);
    const end = Buffer.concat([first, Buffer.from([0xff])]); // which is in no UTF-8
    for (let after: Buffer | undefined; ;) {
      const from = after === undefined ? 'key >= $1' : 'key > $1';
      const where = `${from} AND key < $2 ORDER BY key LIMIT ${entriesPerRead}`;
      const rows = await this.#rows(where, [after ?? first, end]);
      for (const { key, value } of rows) yield [key.toString(), value];
      after = rows.at(-1)?.key;
      if (after === undefined || rows.length < entriesPerRead) return;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#commits;
    await this.#closePool();
  }

  async #run(text: string, untilMs: number): Promise<boolean> {
    if (performance.now() > untilMs) throw this.#fault(new Error('the commits before have not been answered'));
    const results = await this.#asked(async () => {
      try {
        return await this.#pool.query(text);
      } catch (error) {
        if (codeOf(error) !== tableMissing) throw error;
        await this.#pool.query(createText);
        return this.#pool.query(text);
      }
    });
    // Of several statements there are several results.
    return (results as unknown as readonly QueryResult<{ ok: boolean }>[])[2]?.rows[0]?.ok === true;
  }

  async #rows(where: string, values: readonly unknown[]): Promise<readonly { key: Buffer; value: Buffer }[]> {
    return this.#asked(async () => {
      try {
        return (await this.#pool.query<{ key: Buffer; value: Buffer }>(`${liveRows} AND ${where}`, [...values])).rows;
      } catch (error) {
        if (codeOf(error) === tableMissing) return [];
        throw error;
      }
    });
  }

  async #asked<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error(`the state in PostgreSQL at ${this.#where} is closed`);
    try {
      return await work();
    } catch (error) {
      throw this.#fault(error);
    }
  }

  #fault(cause: unknown): Fault {
    const todo = codeOf(cause) === denied ? ' (tributary warehouse grants prints the SQL that gives it)' : '';
    const message = `PostgreSQL at ${this.#where}: ${reasonOf(cause)}${todo}`;
    return new Fault(codeOf(cause) === diskFull ? 'STATE_FULL' : 'STATE_UNAVAILABLE', message, { cause });
  }
}

/** As PostgreSQL numbers them. */
const tableMissing = '42P01';
const diskFull = '53100';
const denied = '42501';

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Without user and password. Makes a client, which connects to nothing, because `pg` alone knows how it reads URLs. */
function placeOf(url: string): string {
  try {
    const { host, port, database } = new Client({ connectionString: url });
    return `${host}:${port}/${database}`;
  } catch {
    // What it throws quotes the URL.
    throw new Fault('STATE_UNAVAILABLE', 'the URL of PostgreSQL cannot be read');
  }
}
