/**
 * Keyed state in Redis 7 or newer, or Valkey (promises: state-store.ts; docs/decisions/state-on-redis-and-postgres.md).
 *
 * - A commit is one script: Redis runs it alone, and it goes into its journal whole.
 * - Nothing is ever repeated, since nobody knows whether what was not answered was done; whoever asked is told.
 * - Keys are a sorted set of equal scores, which Redis has in the order of their bytes; each value is a key of its own, which Redis lets expire.
 * - A Redis that may evict is refused: it would forget single keys, and no position would tell.
 */
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { Fault, isFault, reasonOf } from '../../errors.ts';
import { commitArguments, commitScript, entryName, orderName } from './redis-commit.ts';
import { keyBytes } from './state-key.ts';
import type { StateChange, StateStore } from './state-store.ts';

export interface RedisStoreOptions {
  /** `redis://user:password@host:port/database`, or `rediss:` for TLS. */
  readonly url: string;
}

/** A command that is not answered by then is given up. */
const commandTimeoutMs = 2_000;
/** Waits for a connection, too. */
const connectTimeoutMs = 2_000;
/** A connection on which commands wait in vain is made anew. */
const silentTimeoutMs = 5_000;
const keepAliveAfterMs = 10_000;
const longestBackoffMs = 1_000;
const entriesPerRead = 256;

/** It may come up later. @throws Fault STATE_UNAVAILABLE where it answers, and is not set up as it has to be */
export async function openRedisStore({ url }: RedisStoreOptions): Promise<StateStore> {
  const store = new RedisStore(url);
  try {
    await store.check();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class RedisStore implements StateStore {
  readonly #client: Redis;
  readonly #where: string;
  readonly #commits = new Set<Promise<unknown>>();
  /** Rejects where the server that we are connected to must not be used; then it is looked at again for whoever asks next. */
  #settingUp: Promise<void> | undefined;
  #isSetUp = false;
  #connecting: Promise<void> | undefined;
  #lastError = 'it has not answered yet';
  #closed = false;

  constructor(url: string) {
    const { host, pathname } = new URL(url);
    this.#where = `${host}${pathname}`;
    this.#client = new Redis(url, {
      connectTimeout: connectTimeoutMs,
      commandTimeout: commandTimeoutMs,
      socketTimeout: silentTimeoutMs,
      keepAlive: keepAliveAfterMs,
      connectionName: 'tributary',
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) =>
        Math.min(longestBackoffMs, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2),
      reconnectOnError: ({ message }) => message.startsWith('READONLY'), // it has become a replica
    });
    this.#client.on('error', (error: unknown) => (this.#lastError = reasonOf(error)));
    this.#client.on('connect', () => (this.#lastError = 'it has not answered yet'));
    this.#client.on('ready', () => void this.#setUp().catch(() => undefined)); // whoever asks gets it
  }

  /** Whether it is out of reach does not matter yet. */
  async check(): Promise<void> {
    try {
      await this.#ready();
    } catch (error) {
      if (isFault(error, 'STATE_UNAVAILABLE') && this.#client.status !== 'ready') return;
      throw error;
    }
  }

  async get(key: string): Promise<Buffer | undefined> {
    const name = entryName(keyBytes(key));
    return (await this.#ask((client) => client.getBuffer(name))) ?? undefined;
  }

  async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    if (keys.length === 0) return [];
    return this.#values(keys.map(keyBytes));
  }

  async commit(change: StateChange): Promise<boolean> {
    const [names, values] = commitArguments(change);
    // One list: as arguments of a function so many may be more than the stack holds.
    const script = [commitScript, names.length, ...names, ...values];
    const committed = this.#ask((client) => client.call('EVAL', script));
    this.#commits.add(committed);
    try {
      return (await committed) === 1;
    } finally {
      this.#commits.delete(committed);
    }
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    const first = keyBytes(prefix);
    const end = Buffer.concat([Buffer.from('('), first, Buffer.from([0xff])]); // which is in no UTF-8
    for (let start = Buffer.concat([Buffer.from('['), first]); ;) {
      const keys = await this.#ask((client) =>
        client.zrangebylexBuffer(orderName, start, end, 'LIMIT', 0, entriesPerRead),
      );
      const values = keys.length === 0 ? [] : await this.#values(keys);
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value !== undefined) yield [key.toString(), value];
      }
      const last = keys.at(-1);
      if (last === undefined || keys.length < entriesPerRead) return;
      start = Buffer.concat([Buffer.from('('), last]);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#commits);
    this.#client.disconnect();
  }

  async #values(keys: readonly Buffer[]): Promise<readonly (Buffer | undefined)[]> {
    const values = await this.#ask((client) => client.mgetBuffer(keys.map(entryName)));
    return values.map((value) => value ?? undefined);
  }

  async #ask<T>(command: (client: Redis) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error(`the state in Redis at ${this.#where} is closed`);
    // Without a wait where there is none to be: changes go out in the order of the calls.
    if (this.#client.status !== 'ready' || !this.#isSetUp) await this.#ready();
    try {
      return await command(this.#client);
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async #ready(): Promise<void> {
    this.#connecting ??= this.#connected().finally(() => (this.#connecting = undefined));
    try {
      await this.#connecting;
      await (this.#settingUp ?? this.#setUp());
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async #connected(): Promise<void> {
    if (this.#client.status === 'ready') return;
    const signal = AbortSignal.timeout(connectTimeoutMs);
    await once(this.#client, 'ready', { signal }).catch(() => {
      throw new Error(this.#lastError);
    });
  }

  async #setUp(): Promise<void> {
    const settingUp = this.#checkSetUp();
    this.#settingUp = settingUp;
    try {
      await settingUp;
    } catch (error) {
      if (this.#settingUp === settingUp) this.#settingUp = undefined;
      throw error;
    }
  }

  /** Asked with each connection: behind the address there may be another server by then. */
  async #checkSetUp(): Promise<void> {
    this.#isSetUp = false;
    // The client goes on in database 0, which may be somebody else's.
    if (/DB index is out of range|SELECT is not allowed/.test(this.#lastError)) throw new Error(this.#lastError);
    const memory = await this.#client.info('memory');
    const policy = /^maxmemory_policy:(.*)$/m.exec(memory)?.[1]?.trim();
    if (policy !== undefined && policy !== 'noeviction')
      throw new Error(`it may evict keys (maxmemory-policy ${policy}); set maxmemory-policy to noeviction`);
    this.#isSetUp = true;
  }

  /** Without the error itself, which would bring the command with all its arguments into logs. */
  #fault(error: unknown): Fault {
    const message = reasonOf(error);
    if (message.startsWith('OOM ')) return new Fault('STATE_FULL', `Redis at ${this.#where} is at its maxmemory`);
    return new Fault('STATE_UNAVAILABLE', `Redis at ${this.#where}: ${message}`);
  }
}
