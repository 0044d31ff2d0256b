/**
 * How long a package waits for room before it gets 503: producers give up after 5 s, so 4 s by default (D6). A timer
 * for each package would cost as much as parsing its event, so packages that start within the same step share a signal.
 */
import { setMaxListeners } from 'node:events';

const stepMs = 100;

export class Patience {
  readonly #limitMs: number;
  #current: AbortSignal | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Aborts `limitMs` from now, or up to 100 ms earlier. */
  start(): AbortSignal {
    this.#current ??= this.#step();
    return this.#current;
  }

  waits(): Waits {
    return new Waits(this, this.#limitMs);
  }

  #step(): AbortSignal {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    setTimeout(() => controller.abort(), this.#limitMs).unref();
    setTimeout(() => (this.#current = undefined), stepMs).unref();
    return controller.signal;
  }
}

/** The waits of one package, for the log, for the budget: together they have the limit. Receiving its body does not count. */
export class Waits {
  readonly #patience: Patience;
  readonly #limitMs: number;
  #spentMs = 0;

  constructor(patience: Patience, limitMs: number) {
    this.#patience = patience;
    this.#limitMs = limitMs;
  }

  async during<T>(wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await wait(this.signal());
    } finally {
      this.spend(performance.now() - startedMs);
    }
  }

  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Aborts when what is left by now is over. */
  signal(): AbortSignal {
    if (this.#spentMs < stepMs) return this.#patience.start();
    return AbortSignal.timeout(Math.max(0, Math.floor(this.#limitMs - this.#spentMs)));
  }
}
