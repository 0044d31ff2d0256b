/**
 * How often somebody may do something: a bucket that fills at a rate, and holds what comes in one second, but at least one.
 * Whoever takes waits until there is a whole one; what is refused costs nothing.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #atMs: number;

  /** @param nowMs of a clock that never goes back */
  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond);
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  /** @returns 0 where one was taken, else the milliseconds until there is one */
  take(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.#capacity, this.#tokens + passedMs * this.#perMs);
    this.#atMs += passedMs;
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#perMs;
    this.#tokens -= 1;
    return 0;
  }
}
