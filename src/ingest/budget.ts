/**
 * How many bytes of packages may be held at once (D6). Each package holds a share that grows as its body comes in. When
 * the budget is used up:
 * - growing waits, up to the package's patience;
 * - the oldest package always may grow, so that half-read packages never wait for each other for ever. What is held is
 *   therefore at most the budget and one package;
 * - the last eighth is for small packages, so that they need not wait for large ones;
 * - a package whose producer has sent next to nothing for a second loses its place: a slow sender costs the others nothing.
 */
import { Fault } from '../errors.ts';

const idleAfterMs = 1_000;
/** Who sends less than this in that time is as good as idle. */
const leastProgressBytes = 4 * 1024;
/** Ten times a package of ten events of ordinary size. */
const smallPackageBytes = 64 * 1024;
const shareOfLargePackages = 7 / 8;

export interface Share {
  /** Sets what the package holds now; waits for room. @throws Fault BUSY when `patience` is over first */
  resize(bytes: number, patience: () => AbortSignal): Promise<void>;
  release(): void;
  /** Aborted when the share was taken away. */
  readonly evicted: AbortSignal;
}

interface Holder {
  bytes: number;
  /** When it last made progress, and how much it held then. */
  progressAtMs: number;
  progressBytes: number;
  /** What it waits for; 0 where it does not wait. */
  wantedBytes: number;
  readonly eviction: AbortController;
}

export class Budget {
  readonly #maxBytes: number;
  readonly #now: () => number;
  /** In the order in which they came to hold something. */
  readonly #holders = new Set<Holder>();
  readonly #waiting = new Set<() => void>();
  #heldBytes = 0;
  #waitingHolders = 0;
  #evictionTimer: NodeJS.Timeout | undefined;

  constructor(maxBytes: number, now: () => number = Date.now) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  share(): Share {
    const eviction = new AbortController();
    const holder: Holder = { bytes: 0, progressAtMs: 0, progressBytes: 0, wantedBytes: 0, eviction };
    return {
      evicted: holder.eviction.signal,
      resize: (bytes, patience) => this.#resize(holder, bytes, patience),
      release: () => this.#release(holder),
    };
  }

  async #resize(holder: Holder, bytes: number, patience: () => AbortSignal): Promise<void> {
    const growth = bytes - holder.bytes;
    if (growth > 0 && !this.#holders.has(holder)) this.#enter(holder);
    const mustWait = growth > 0 && !this.#fits(holder, growth);
    if (mustWait) await this.#waitFor(holder, growth, patience());
    this.#heldBytes += growth;
    holder.bytes = bytes;
    if (mustWait || Math.abs(bytes - holder.progressBytes) >= leastProgressBytes) {
      holder.progressAtMs = this.#now();
      holder.progressBytes = bytes;
    }
    if (growth < 0) this.#wake();
  }

  /** With its first event, not with its request: who has sent nothing must not be the oldest. */
  #enter(holder: Holder): void {
    holder.progressAtMs = this.#now();
    this.#holders.add(holder);
  }

  #fits(holder: Holder, growth: number): boolean {
    const share = holder.bytes + growth > smallPackageBytes ? shareOfLargePackages : 1;
    if (this.#heldBytes + growth <= this.#maxBytes * share) return true;
    const [oldest] = this.#holders;
    return oldest === holder;
  }

  async #waitFor(holder: Holder, growth: number, patience: AbortSignal): Promise<void> {
    holder.wantedBytes = growth;
    this.#waitingHolders += 1;
    this.#evictionTimer ??= setInterval(() => this.#evictIdle(), idleAfterMs / 4).unref();
    try {
      while (!this.#fits(holder, growth)) await this.#nextRelease(patience);
    } finally {
      holder.wantedBytes = 0;
      this.#waitingHolders -= 1;
      if (this.#waitingHolders === 0) this.#stopEvicting();
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

  /** As many as those who wait need to go on, oldest first. */
  #evictIdle(): void {
    const before = this.#now() - idleAfterMs;
    let wanted = 0;
    for (const { wantedBytes } of this.#holders) wanted += wantedBytes;
    for (const { bytes, wantedBytes, progressAtMs, eviction } of this.#holders) {
      if (wanted <= 0) return;
      if (wantedBytes > 0 || progressAtMs > before || eviction.signal.aborted) continue;
      eviction.abort(new Fault('BODY_TIMEOUT', 'the body paused for a second while other packages wait for room'));
      wanted -= bytes;
    }
  }

  #stopEvicting(): void {
    clearInterval(this.#evictionTimer);
    this.#evictionTimer = undefined;
  }
}
