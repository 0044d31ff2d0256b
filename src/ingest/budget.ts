/**
 * How many bytes of packages may be held at once (D6). Each package holds a share that grows as its body comes in. When
 * the budget is used up:
 * - growing waits, up to the package's patience;
 * - the oldest package always may grow, so that half-read packages never wait for each other for ever. What is held is
 *   therefore at most the budget and one package;
 * - a package whose producer has sent nothing for a second loses its place: a slow sender costs the others nothing.
 */
import { Fault } from '../errors.ts';

const idleAfterMs = 1_000;

export interface Share {
  /** Sets what the package holds now; waits for room. @throws Fault BUSY when `patience` is over first */
  resize(bytes: number, patience: () => AbortSignal): Promise<void>;
  release(): void;
  /** Aborted when the share was taken away. */
  readonly evicted: AbortSignal;
}

interface Holder {
  bytes: number;
  usedAtMs: number;
  waiting: boolean;
  readonly eviction: AbortController;
}

export class Budget {
  readonly #maxBytes: number;
  readonly #now: () => number;
  readonly #holders = new Set<Holder>();
  readonly #waiting = new Set<() => void>();
  #heldBytes = 0;
  #evictionTimer: NodeJS.Timeout | undefined;

  constructor(maxBytes: number, now: () => number = Date.now) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  share(): Share {
    const holder: Holder = { bytes: 0, usedAtMs: this.#now(), waiting: false, eviction: new AbortController() };
    this.#holders.add(holder);
    return {
      evicted: holder.eviction.signal,
      resize: (bytes, patience) => this.#resize(holder, bytes, patience),
      release: () => this.#release(holder),
    };
  }

  async #resize(holder: Holder, bytes: number, patience: () => AbortSignal): Promise<void> {
    const growth = bytes - holder.bytes;
    if (growth > 0 && !this.#fits(holder, growth)) await this.#waitFor(holder, growth, patience());
    holder.usedAtMs = this.#now();
    this.#heldBytes += growth;
    holder.bytes = bytes;
    if (growth < 0) this.#wake();
  }

  #fits(holder: Holder, growth: number): boolean {
    if (this.#heldBytes + growth <= this.#maxBytes) return true;
    const [oldest] = this.#holders;
    return oldest === holder;
  }

  async #waitFor(holder: Holder, growth: number, patience: AbortSignal): Promise<void> {
    holder.waiting = true;
    this.#evictionTimer ??= setInterval(() => this.#evictIdle(), idleAfterMs / 4).unref();
    try {
      while (!this.#fits(holder, growth)) await this.#nextRelease(patience);
    } finally {
      holder.waiting = false;
      if (this.#waiting.size === 0) this.#stopEvicting();
    }
  }

  #nextRelease(patience: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        patience.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.delete(wake);
        reject(new Fault('BUSY', `packages that are under way hold ${this.#heldBytes} bytes, which is the limit`));
      };
      if (patience.aborted) return giveUp();
      patience.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(wake);
    });
  }

  #release(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    this.#heldBytes -= holder.bytes;
    this.#wake();
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  #evictIdle(): void {
    const before = this.#now() - idleAfterMs;
    for (const holder of this.#holders) {
      if (holder.waiting || holder.bytes === 0 || holder.usedAtMs > before) continue;
      holder.eviction.abort(
        new Fault('BODY_TIMEOUT', 'the body paused for a second while other packages wait for room'),
      );
      return;
    }
  }

  #stopEvicting(): void {
    clearInterval(this.#evictionTimer);
    this.#evictionTimer = undefined;
  }
}
