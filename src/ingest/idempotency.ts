/**
 * `Idempotency-Key`: a package sent again under the same key within a day is stored once and gets the first answer.
 *
 * The key and the answer are a record in a topic of their own, appended in one batch with the package's events, so
 * neither is ever there without the other (D5). The keyed state is only a view of that topic: it follows the log,
 * remembers in one commit the keys and how far it has come, and catches up after a crash before the first package
 * is answered. What it has not reached yet is in memory.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault } from '../errors.ts';
import type { Batch, Log, LogRecord, TopicPartition } from '../log/log.ts';
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import type { Answer } from './answer.ts';

export const idempotencyTopic = { name: 'tributary.idempotency', partitions: 1 } as const;

const at = { topic: idempotencyTopic.name, partition: 0 };
const rememberedForMs = 24 * 60 * 60 * 1000;
const readBytes = 1024 * 1024;
const retryMs = 1_000;

export interface IdempotencyOptions {
  readonly log: Log;
  readonly state: StateStore;
  /** Told of a failed commit; the view tries again until it works. */
  readonly onError: (error: unknown) => void;
}

export class Idempotency {
  readonly #log: Log;
  readonly #state: StateStore;
  readonly #onError: (error: unknown) => void;
  readonly #progressKey: string;
  readonly #keyPrefix: string;
  readonly #stopping = new AbortController();
  /** Packages under way, and those that are durable but not in the view yet. */
  readonly #recent = new Map<string, Promise<Answer>>();
  #next = 0;
  #advancing: Promise<void> | undefined;
  /** Whether the package of some key was stored is not known (log.ts: LOG_FAILED). */
  #isInDoubt = false;
  #following: Promise<void> = Promise.resolve();

  private constructor(options: IdempotencyOptions) {
    this.#log = options.log;
    this.#state = options.state;
    this.#onError = options.onError;
    const { id } = options.log; // another log has not stored what this one has answered
    this.#progressKey = `idempotency/${id}/next`;
    this.#keyPrefix = `idempotency/${id}/key/`;
  }

  /** Resolves when every key in the log can be found. */
  static async open(options: IdempotencyOptions): Promise<Idempotency> {
    const opened = new Idempotency(options);
    const { start, end } = await options.log.range(at);
    const stored = await options.state.get(opened.#progressKey);
    opened.#next = Math.max(start, stored ? Number(stored.toString()) : 0);
    while (opened.#next < end) await opened.#advance();
    opened.#following = opened.#follow();
    return opened;
  }

  /**
   * Answers with what was answered under this key; else runs `store`, whose batch must hold `remember`'s record.
   * @throws Fault BUSY when another package with this key is under way for longer than `patience`
   */
  async once(scopedKey: string, patience: AbortSignal, store: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      const recent = this.#recent.get(scopedKey);
      if (!recent) break;
      const outcome = await outcomeOf(recent, patience);
      if (outcome) return outcome;
    }
    const answer = this.#findOrStore(scopedKey, store);
    this.#recent.set(scopedKey, answer);
    try {
      return await answer;
    } catch (error) {
      this.#recent.delete(scopedKey);
      this.#isInDoubt ||= isFault(error, 'LOG_FAILED');
      throw error;
    }
  }

  /** Adds the record that makes the key and its answer durable with the package. */
  remember(batch: Batch, scopedKey: string, answer: Answer): void {
    batch.add({ topic: at.topic, key: scopedKey, value: Buffer.from(JSON.stringify(answer)), headers: [] });
  }

  /** Everything below it is in the view; the log must keep the rest. */
  progress(): TopicPartition & { readonly offset: number } {
    return { ...at, offset: this.#next };
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #findOrStore(scopedKey: string, store: () => Promise<Answer>): Promise<Answer> {
    if (this.#isInDoubt) await this.#catchUp();
    const known = await this.#state.get(this.#keyPrefix + scopedKey);
    if (!known) return store();
    this.#recent.delete(scopedKey);
    return JSON.parse(known.toString()) as Answer;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#log.waitPast(at, this.#next, signal);
        await this.#advance();
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined); // woken to stop: the loop ends
      }
    }
  }

  /** What was in doubt is decided in a log that takes packages again: it is in the view, or it is not in the log. */
  async #catchUp(): Promise<void> {
    this.#isInDoubt = false;
    try {
      const { end } = await this.#log.range(at);
      while (this.#next < end) await this.#advance();
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    }
  }

  /** One at a time. */
  #advance(): Promise<void> {
    this.#advancing ??= this.#readOn().finally(() => (this.#advancing = undefined));
    return this.#advancing;
  }

  async #readOn(): Promise<void> {
    const { records, next } = await this.#log.read(at, this.#next, { maxBytes: readBytes });
    const progress = { key: this.#progressKey, value: Buffer.from(String(next)) };
    if (records.length > 0)
      await this.#state.commit({ put: [...records.map((record) => this.#toPut(record)), progress] });
    this.#next = next;
    for (const record of records) this.#recent.delete(String(record.key));
  }

  #toPut({ key, value, timeMs }: LogRecord): StatePut {
    return { key: this.#keyPrefix + String(key), value, expiresAtMs: timeMs + rememberedForMs };
  }
}

/** What `recent` comes to; undefined where it failed. */
async function outcomeOf(recent: Promise<Answer>, patience: AbortSignal): Promise<Answer | undefined> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new Fault('BUSY', 'a package with this Idempotency-Key is still under way'));
  if (patience.aborted) giveUp();
  patience.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([recent.catch(() => undefined), tooLate]);
  } finally {
    patience.removeEventListener('abort', giveUp);
  }
}
