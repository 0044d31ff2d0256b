/**
 * `Idempotency-Key`: a package sent again under the same key within a day is stored once and gets the first answer.
 *
 * The key and the answer are a record in a topic of their own, appended in one batch with the package's events, so
 * neither is ever there without the other (D5). Which keys there are is a view of that topic (key-view.ts); what it has not reached yet is
 * in memory.
 *
 * Where several processes append to one log, two of them may store a package under one key at the same time. Then the first record in
 * the topic counts, for everybody: who stored the other answers with the first one's answer, and the other package is void
 * (void-packages.ts drops its events). So there a package is answered when its record, or another of its key, was read.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault } from '../errors.ts';
import type { Batch, Log, LogRecord, PartitionOffset } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { Answer } from './answer.ts';
import { answerIn, isSecond } from './key-entries.ts';
import { type Found, idempotencyTopic, KeyView } from './key-view.ts';

const retryMs = 1_000;
/** Some 20 MB. A view that keeps pace is a few thousand packages behind. */
const mostNotInView = 50_000;
/** What was appended is read within milliseconds. */
const firstReadWithinMs = 3_000;
/** A transaction that nobody ends is aborted after 10 s; until then nobody knows what it comes to. */
const voidKnownWithinMs = 12_000;

export interface IdempotencyOptions {
  readonly log: Log;
  /** May come back from a crash at an earlier commit, or with nothing. */
  readonly views: StateStore;
  /** Told of a failed commit; the view tries again until it works. */
  readonly onError: (error: unknown) => void;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

/** A package that is to be stored where others append, too. */
interface Pending {
  readonly first: PromiseWithResolvers<Answer>;
  /** Its key's records that were read meanwhile. */
  readonly read: { readonly offset: number; readonly timeMs: number; readonly answer: Answer }[];
  /** The view had no such key of the last day up to its position; undefined as long as it has not answered. */
  found?: Found;
  isInView?: true;
}

export class Idempotency {
  readonly #view: KeyView;
  readonly #isShared: boolean;
  readonly #onError: (error: unknown) => void;
  readonly #stopping = new AbortController();
  /** Packages under way, and those that are durable but not in the view yet. */
  readonly #recent = new Map<string, Promise<Answer>>();
  readonly #pending = new Map<string, Pending>();
  /** Whether the package of some key was stored is not known (log.ts: LOG_FAILED). */
  #isInDoubt = false;
  #following: Promise<void> = Promise.resolve();

  private constructor({ log, views, onError, now = Date.now }: IdempotencyOptions) {
    const onRecords = (records: readonly LogRecord[], areInView: boolean): void => this.#noticed(records, areInView);
    this.#view = new KeyView({ log, views, now, onRecords });
    this.#isShared = log.writtenEnd !== undefined;
    this.#onError = onError;
  }

  /** Resolves when every key in the log can be found, or the store of the view is out of reach: then it goes on by itself. */
  static async open(options: IdempotencyOptions): Promise<Idempotency> {
    const opened = new Idempotency(options);
    try {
      await opened.#view.catchUp();
    } catch (error) {
      if (!isFault(error, 'STATE_UNAVAILABLE')) throw error;
      options.onError(error);
    }
    opened.#following = opened.#follow();
    return opened;
  }

  /**
   * Answers with what was answered under this key; else runs `store`, whose batch must hold `remember`'s record.
   * @throws Fault BUSY when another package with this key is under way for longer than `patience`, or the view is too far behind (D6);
   *   STATE_UNAVAILABLE when the view cannot be asked in that time
   */
  async once(scopedKey: string, patience: AbortSignal, store: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      const recent = this.#recent.get(scopedKey);
      if (!recent) break;
      const outcome = await outcomeOf(recent, patience);
      if (outcome) return outcome;
    }
    if (this.#recent.size >= mostNotInView)
      throw new Fault('BUSY', `the view of idempotency keys is ${mostNotInView} packages behind`);
    const answer = this.#findOrStore(scopedKey, patience, store);
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
    const value = Buffer.from(JSON.stringify(answer));
    batch.add({ topic: idempotencyTopic.name, key: scopedKey, value, headers: [] });
  }

  /** Everything below it is in the view; the log must keep the rest. */
  progress(): PartitionOffset {
    return this.#view.progress;
  }

  /** Of packages with a key, of which records were read from the log, those that are void. @throws Fault STATE_UNAVAILABLE */
  voidAmong(packageIds: readonly string[]): Promise<ReadonlySet<string>> {
    const patience = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(voidKnownWithinMs)]);
    return this.#view.voidAmong(packageIds, patience);
  }

  /** After those who ask have ended. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #findOrStore(scopedKey: string, patience: AbortSignal, store: () => Promise<Answer>): Promise<Answer> {
    if (this.#isInDoubt) await this.#decide();
    if (this.#isShared) return this.#storeAmongOthers(scopedKey, patience, store);
    const { known } = await this.#view.find(scopedKey, patience);
    if (!known) return store();
    this.#recent.delete(scopedKey);
    return known.answer;
  }

  /** A record of the key that was read meanwhile, by whomever it was, is not missed: who waits for it is noted down first. */
  async #storeAmongOthers(key: string, patience: AbortSignal, store: () => Promise<Answer>): Promise<Answer> {
    const pending: Pending = { first: Promise.withResolvers(), read: [] };
    this.#pending.set(key, pending);
    try {
      const found = await this.#view.find(key, patience);
      if (found.known) {
        this.#recent.delete(key);
        return found.known.answer;
      }
      pending.found = found;
      settle(pending);
      const own = await store();
      return (await within(firstReadWithinMs, pending.first.promise)) ?? this.#unread(own);
    } finally {
      this.#pending.delete(key);
      if (pending.isInView) this.#recent.delete(key);
    }
  }

  #unread({ packageId }: Answer): never {
    const todo = 'sent again under its Idempotency-Key, it gets its answer';
    throw new Fault('LOG_UNAVAILABLE', `package ${packageId} is stored, but cannot be read back yet; ${todo}`);
  }

  #noticed(records: readonly LogRecord[], areInView: boolean): void {
    for (const record of records) {
      const key = String(record.key);
      const pending = this.#pending.get(key);
      if (!pending) {
        if (areInView) this.#recent.delete(key);
        continue;
      }
      if (areInView) pending.isInView = true;
      const answer = answerIn(record);
      if (answer) pending.read.push({ offset: record.offset, timeMs: record.timeMs, answer });
      settle(pending);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#view.more(signal);
        await this.#view.advance();
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined); // woken to stop: the loop ends
      }
    }
  }

  /** What was in doubt is decided in a log that takes packages again: it is in the view, or it is not in the log. */
  async #decide(): Promise<void> {
    this.#isInDoubt = false;
    try {
      await this.#view.coverAll();
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    }
  }
}

function settle({ first, read, found }: Pending): void {
  if (found === undefined) return;
  const { before, position } = found;
  const record = read.find(({ offset }) => offset >= position);
  if (record) first.resolve(before && isSecond(before, record.timeMs) ? before.answer : record.answer);
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const ended = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: ended.signal })]);
  } finally {
    ended.abort();
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
