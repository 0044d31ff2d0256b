/**
 * Keeps commits apart from the opening and closing of LMDB's file, in all processes: whoever opens or closes it is alone,
 * those who commit share the gate. LMDB itself does not (docs/decisions/state-in-lmdb.md): opening sets the number of the
 * newest commit to one read a moment before, and a commit made in between is overwritten by the next one; closing destroys
 * locks that somebody who opens may be about to use.
 *
 * It is SQLite's lock on an empty file, which dies with its process. Who wants to be alone holds newcomers off while the
 * commits under way end; and commits go in rounds, so that a busy writer leaves room for that.
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../errors.ts';

export interface OpeningGateOptions {
  /** The lock's file, made where it is missing; always empty. */
  readonly path: string;
  /** How long to wait for other processes before STATE_BUSY. Default 10 s. */
  readonly patienceMs?: number;
}

/** SQLite's result code for a lock that another connection has. */
const SQLITE_BUSY = 5;
const retryMs = 1;
/** SQLite holds newcomers off only while it waits itself, which blocks the event loop; only who opens or closes does. */
const aloneWaitMs = 100;

interface Waiting {
  readonly begin: () => Promise<void>;
  readonly refuse: (error: unknown) => void;
}

export class OpeningGate {
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #database: DatabaseSync;
  #waiting: Waiting[] = [];
  #rounds: Promise<void> | undefined;

  constructor({ path, patienceMs = 10_000 }: OpeningGateOptions) {
    this.#path = path;
    this.#patienceMs = patienceMs;
    this.#database = new DatabaseSync(path);
  }

  /** While nobody else has the gate; after what was shared here, and nothing may be until it ends. @throws Fault STATE_BUSY */
  async alone<T>(work: () => T | Promise<T>): Promise<T> {
    await this.#rounds;
    // Nothing is ever written; but with a journal on disk SQLite makes its file all the same, and fails where it cannot.
    await this.#enter(`PRAGMA busy_timeout = ${aloneWaitMs}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`);
    try {
      return await work();
    } finally {
      this.#database.exec('ROLLBACK');
    }
  }

  /**
   * Together with others who share. What comes while a round is under way waits for the next one; a round's work begins
   * in the order in which it came. @throws Fault STATE_BUSY
   */
  share<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const begin = async (): Promise<void> => {
      try {
        resolve(await work());
      } catch (error) {
        reject(error);
      }
    };
    this.#waiting.push({ begin, refuse: reject });
    this.#rounds ??= this.#runRounds();
    return promise;
  }

  /** After what was shared here. */
  async close(): Promise<void> {
    await this.#rounds;
    this.#database.close();
  }

  async #runRounds(): Promise<void> {
    while (this.#waiting.length > 0) {
      const refused = await this.#enter('PRAGMA busy_timeout = 0; BEGIN; SELECT 1 FROM sqlite_schema').then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      const round = this.#waiting;
      this.#waiting = [];
      if (refused) for (const { refuse } of round) refuse(refused.error);
      else {
        await Promise.all(round.map(({ begin }) => begin()));
        this.#database.exec('ROLLBACK');
      }
    }
    this.#rounds = undefined;
  }

  async #enter(sql: string): Promise<void> {
    const untilMs = performance.now() + this.#patienceMs;
    while (!this.#tries(sql)) {
      if (performance.now() > untilMs)
        throw new Fault('STATE_BUSY', `another process has held ${this.#path} for ${this.#patienceMs} ms`);
      await sleep(retryMs);
    }
  }

  #tries(sql: string): boolean {
    try {
      this.#database.exec(sql);
      return true;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
      throw error;
    }
  }
}
