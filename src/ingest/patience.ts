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

  #step(): AbortSignal {
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    setTimeout(() => controller.abort(), this.#limitMs).unref();
    setTimeout(() => (this.#current = undefined), stepMs).unref();
    return controller.signal;
  }
}
