/**
 * Repairs of dead letters in the process that serves, which alone writes the log. One change at a time: whoever decides by a
 * letter's status sees every repair that was appended before, so that of two replays of one letter, also by two commands at
 * once, one event comes (D9). The statuses follow the log, also what the processor adds, and catch up after a crash. Other processes
 * that serve on the same log keep the same ones, where they share the keyed state: each goes on from where the state says that it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../errors.ts';
import { decidedEnd } from '../log/decided-end.ts';
import type { Append, Log, PartitionOffset } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { LetterStatus } from './repair.ts';
import { addRepairs, noChanges, repairsAt, type RepairStatuses, StoredStatuses } from './repair-statuses.ts';

const readBytes = 1024 * 1024;
const retryMs = 1_000;

export interface RepairsOptions {
  readonly log: Log;
  readonly state: StateStore;
  /** Told of a failed commit of the statuses, which is tried again until it works. */
  readonly onError: (error: unknown) => void;
}

export class Repairs implements RepairStatuses {
  readonly #log: Log;
  readonly #stored: StoredStatuses;
  readonly #onError: (error: unknown) => void;
  readonly #stopping = new AbortController();
  #next = 0;
  #lastChange: Promise<void> = Promise.resolve();
  #following: Promise<void> = Promise.resolve();

  private constructor({ log, state, onError }: RepairsOptions) {
    this.#log = log;
    this.#stored = new StoredStatuses(state, log.id);
    this.#onError = onError;
  }

  /** Resolves when they are as the log has them, or the keyed state is out of reach: then they follow by themselves. */
  static async open(options: RepairsOptions): Promise<Repairs> {
    const opened = new Repairs(options);
    try {
      await opened.#catchUp();
    } catch (error) {
      if (!isFault(error, 'STATE_UNAVAILABLE')) throw error;
      options.onError(error);
    }
    opened.#following = opened.#follow();
    return opened;
  }

  /**
   * Runs `task` when no other change is under way; it finds every status as the log has it, and appends by what it is given: where several
   * processes append to the log, nothing that was decided before another one's change. @throws Fault BUSY
   */
  change<T>(task: (append: Append) => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      const append = await this.#log.takeOver?.(repairsAt.topic);
      await this.#catchUp(await decidedEnd(this.#log, repairsAt));
      return task(append ?? ((batch, options) => this.#log.append(batch, options)));
    });
  }

  /** Resolves when the statuses are as the log had them when this was called. */
  refresh(): Promise<void> {
    return this.#alone(() => this.#catchUp());
  }

  async #alone<T>(task: () => Promise<T>): Promise<T> {
    const before = this.#lastChange;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastChange = promise;
    await before;
    try {
      return await task();
    } finally {
      resolve();
    }
  }

  status(letterId: string): Promise<LetterStatus | undefined> {
    return this.#stored.status(letterId);
  }

  letterOfReplay(correlationId: string): Promise<string | undefined> {
    return this.#stored.letterOfReplay(correlationId);
  }

  replaysWith(prefix: string): Promise<readonly (readonly [as: string, letterId: string])[]> {
    return this.#stored.replaysWith(prefix);
  }

  /** Everything below it is in the keyed state; the log must keep the rest. */
  progress(): PartitionOffset {
    return { ...repairsAt, offset: this.#next };
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
    await this.#lastChange;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#log.waitPast(repairsAt, this.#next, signal);
        await this.refresh();
      } catch (error) {
        if (signal.aborted) return;
        this.#onError(error);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined); // woken to stop: the loop ends
      }
    }
  }

  /** @param to default: what the log shows by now */
  async #catchUp(to?: number): Promise<void> {
    const { start, end: shown } = await this.#log.range(repairsAt);
    const end = to ?? shown;
    for (;;) {
      const stored = await this.#stored.next();
      const from = Math.max(start, stored);
      this.#next = from;
      if (from >= end) return;
      const { records, next } = await this.#log.read(repairsAt, from, { maxBytes: readBytes });
      const changes = noChanges();
      await addRepairs(changes, this.#stored, records);
      if (await this.#stored.store(changes, { from: stored, to: next })) this.#next = next;
    }
  }
}
