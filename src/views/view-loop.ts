/**
 * Keeps a view of one partition: reads what the log has, counts it, and commits what has changed a few times a second.
 *
 * - A crash loses what was not committed and nothing else: it is counted again from where the store is.
 * - What fails is tried again from there, however often; nothing is answered meanwhile.
 * - When commits do not keep pace, it waits for them (D6).
 */
import { Fault, isFault } from '../errors.ts';
import type { Log, TopicPartition } from '../log/log.ts';
import { backoff } from '../processing/backoff.ts';
import type { ConvertOrVoid } from '../processing/void-packages.ts';
import type { StoredRow, WantedRows } from './rows.ts';
import { openViewState, type ViewState, type ViewStateOptions } from './view-state.ts';

export interface ViewLoopOptions {
  readonly log: Log;
  readonly convert: ConvertOrVoid<object>;
  readonly state: Omit<ViewStateOptions, 'partition' | 'onSkipped'>;
  readonly observer: ViewObserver;
}

/** Told of what happens; must not throw. */
export interface ViewObserver {
  /** It begins again from what the store has. */
  failed(at: TopicPartition, error: unknown, attempt: number): void;
  /** The log does not have these offsets any more: they are not counted. */
  gone(at: TopicPartition, range: { readonly from: number; readonly to: number }): void;
  /** An event that the view's functions throw at: it is not counted. */
  skipped(at: TopicPartition, offset: number, error: unknown): void;
}

/** Others see what is committed: within a second, with room for a slow store. */
const commitEveryMs = 250;
/** One commit takes some 10 ms of LMDB's. */
const commitAtEntries = 4_096;
/** Behind a commit that takes its time. */
const mostDirtyEntries = 2 * commitAtEntries;
/** Of small events with a row each that is some 10,000 entries. */
const pageBytes = 256 * 1024;
/** Of records that come one by one, so many are counted together, unless somebody waits: each turn costs some 30 us, as much as ten of them. */
const gatherMs = 20;
/** After a rebuild another generation answers. */
const lookEveryMs = 1_000;

export class ViewLoop {
  readonly at: TopicPartition;
  readonly #options: ViewLoopOptions;
  readonly #stopping = new AbortController();
  #state: ViewState | undefined;
  /** Never rejects: what a commit ends in is in `#failure`. */
  #committing: Promise<void> | undefined;
  #failure: unknown;
  #lastCommitMs = 0;
  /** Ends a wait: it is to begin again. */
  #again = new AbortController();
  /** Those who wait until something has changed. */
  #waiters = new Set<() => void>();
  /** Ends the gathering: somebody waits. */
  #hurry: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(at: TopicPartition, options: ViewLoopOptions) {
    this.at = at;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Commits what it has counted (D8). */
  async drain(): Promise<void> {
    this.#stopping.abort();
    this.#changed();
    await this.#running;
  }

  /** Whether all below the offset is counted. */
  hasCounted(offset: number): boolean {
    return this.#state !== undefined && this.#state.next >= offset;
  }

  /**
   * Resolves when all below the offset is counted.
   * @throws Fault CHECKPOINT_STALE where it is drained before: whoever has the partition then is to be asked; the signal's reason
   */
  async whenAt(offset: number, signal: AbortSignal): Promise<void> {
    while (!this.hasCounted(offset)) {
      if (this.#stopping.signal.aborted) beginsAgain(this.at);
      await this.#change(signal);
    }
  }

  /** @throws Fault CHECKPOINT_STALE where it begins again, with another generation: to be asked again */
  async read(wanted: WantedRows): Promise<readonly (StoredRow | undefined)[]> {
    return this.#asked((state) => state.read(wanted));
  }

  /** @throws as `read` */
  async totals(): Promise<readonly StoredRow[]> {
    return this.#asked((state) => state.totals());
  }

  async #asked<T>(ask: (state: ViewState) => Promise<T>): Promise<T> {
    const state = this.#state;
    if (!state) return beginsAgain(this.at);
    try {
      const answer = await ask(state);
      return this.#state === state ? answer : beginsAgain(this.at);
    } catch (error) {
      if (isFault(error, 'CHECKPOINT_STALE') && this.#state === state) {
        this.#state = undefined; // at once: whoever asks again waits, however long the loop is in the middle of something
        this.#again.abort(error);
      }
      throw error;
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wake = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const giveUp = (): void => {
      this.#waiters.delete(wake);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiters.add(wake);
    this.#hurry();
    return promise;
  }

  #changed(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const wake of waiters) wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { observer } = this.#options;
    let lastOrigin = '';
    for (let attempt = 0; !signal.aborted;) {
      try {
        const state = await this.#open();
        if (state.origin !== lastOrigin) attempt = 0; // the last one has come somewhere
        lastOrigin = state.origin;
        await this.#follow(state);
      } catch (error) {
        this.#state = undefined;
        await this.#committing;
        if (isFault(error, 'CHECKPOINT_STALE') && attempt++ === 0) continue;
        observer.failed(this.at, error, attempt);
        await backoff(attempt++, signal);
      }
    }
    this.#state = undefined;
  }

  async #open(): Promise<ViewState> {
    const { state: options, observer } = this.#options;
    const { partition } = this.at;
    const onSkipped = (offset: number, error: unknown): void => observer.skipped(this.at, offset, error);
    const state = await openViewState({ ...options, partition, onSkipped });
    this.#again = new AbortController();
    this.#failure = undefined;
    this.#state = state;
    this.#changed();
    return state;
  }

  /** Until it is to stop, or another generation answers. */
  async #follow(state: ViewState): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#again.signal.throwIfAborted();
      const isAtEnd = !(await this.#readOn(state));
      if (this.#isDue(state)) this.#beginCommit(state);
      if (state.dirtyEntries > mostDirtyEntries) await this.#committing;
      else if (isAtEnd) await this.#more(state);
      if (this.#failure !== undefined) throw this.#failure;
    }
    await this.#committing;
    if (this.#failure !== undefined) throw this.#failure; // what that commit was to put is in no later one
    if (state.next !== state.committed) await state.commit();
  }

  /** False where there is nothing to read yet. */
  async #readOn(state: ViewState): Promise<boolean> {
    const { log, convert, observer } = this.#options;
    try {
      const page = await log.read(this.at, state.next, { maxBytes: pageBytes });
      if (page.next === state.next) return false;
      await state.apply(page.records, await convert(page.records), page.next);
    } catch (error) {
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const { start } = await log.range(this.at);
      const from = state.next;
      if (start <= from) throw error;
      observer.gone(this.at, { from, to: start });
      state.passOver(start);
    }
    this.#changed();
    return true;
  }

  #isDue(state: ViewState): boolean {
    if (this.#committing || state.next === state.committed) return false;
    return state.dirtyEntries >= commitAtEntries || performance.now() - this.#lastCommitMs >= commitEveryMs;
  }

  /** Goes on beside what is read. */
  #beginCommit(state: ViewState): void {
    this.#lastCommitMs = performance.now();
    const commit = async (): Promise<void> => {
      try {
        await state.commit();
      } catch (error) {
        this.#failure = error;
      }
      this.#committing = undefined;
    };
    this.#committing = commit();
  }

  /** Until the log has more, or there is something to commit, or to look for. */
  async #more(state: ViewState): Promise<void> {
    const isClean = state.next === state.committed;
    const sinceMs = performance.now() - this.#lastCommitMs;
    const leftMs = isClean ? lookEveryMs : this.#committing ? commitEveryMs : Math.max(1, commitEveryMs - sinceMs);
    const over = AbortSignal.timeout(Math.ceil(leftMs));
    const signal = AbortSignal.any([this.#stopping.signal, this.#again.signal, over]);
    try {
      await this.#options.log.waitPast(this.at, state.next, signal);
      await this.#gather(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (isClean && over.aborted) await state.look();
    }
  }

  /** Until there is more to count at once, somebody waits, or the signal aborts. */
  #gather(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#waiters.size > 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, gatherMs);
    const end = (): void => resolve();
    this.#hurry = end;
    signal.addEventListener('abort', end, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    });
  }
}

function beginsAgain({ topic, partition }: TopicPartition): never {
  throw new Fault('CHECKPOINT_STALE', `the view of ${topic} ${partition} begins again from its store`);
}
