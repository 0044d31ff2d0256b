/** After a failure: tries until the producer may go on, however long that takes, also while nobody waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fenced } from './transactional-producer.ts';

export interface RecoveryOptions {
  /** @throws Fenced, which ends all attempts */
  readonly open: (deadlineMs: number) => Promise<void>;
  /** Called while it lasts, every now and then. */
  readonly onTick: () => void;
  /** Called when it is over: with what ended it, where it did not succeed. */
  readonly onEnd: (error?: unknown) => void;
}

const attemptMs = 1_000;
const pauseMs = 100;
const tickMs = 100;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #reason: unknown;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Why it is under way; undefined where it is not. */
  get reason(): unknown {
    return this.#reason;
  }

  begin(reason: unknown): void {
    this.#reason = reason ?? new Error('unknown');
    this.#running = this.#run();
    this.#running.then(
      () => this.#options.onEnd(),
      (error: unknown) => this.#options.onEnd(error),
    );
  }

  /** Resolves when the producer may go on. @throws Fenced */
  done(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    const ticking = setInterval(() => this.#options.onTick(), tickMs);
    try {
      while (!this.#stopping.signal.aborted) {
        try {
          await this.#options.open(performance.now() + attemptMs);
          this.#reason = undefined;
          return;
        } catch (error) {
          if (error instanceof Fenced) throw error;
          this.#reason = error;
        }
        await sleep(pauseMs);
      }
    } finally {
      clearInterval(ticking);
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running.catch(() => undefined); // it was told to who appended
  }
}
