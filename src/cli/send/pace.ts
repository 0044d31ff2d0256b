/** Spreads events evenly over time: each package starts when the ones before it have used up their share. */
export class Pace {
  readonly #msPerEvent: number;
  #nextMs = 0;

  /** @param rate events a second; undefined: no limit */
  constructor(rate: number | undefined) {
    this.#msPerEvent = rate === undefined ? 0 : 1000 / rate;
  }

  /** How long a package of so many events has to wait. */
  waitMs(events: number): number {
    const nowMs = performance.now();
    const startMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = startMs + events * this.#msPerEvent;
    return startMs - nowMs;
  }
}
