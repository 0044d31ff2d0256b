/**
 * What is remembered of the events with one value of `by`, so that later ones find their pairs: how many seconds there were, and how many
 * firsts, by what they count for.
 *
 * - It is forgotten once no event has come for `keptForDays`, by the log's time: the same log always gives the same pairs.
 * - Of firsts that count for different keys and minutes, the last 100 are remembered: who sends more under one value finds pairs with
 *   those only, and costs the others nothing.
 */
import type { StatePut } from '../stores/state/state-store.ts';

const dayMs = 24 * 60 * 60 * 1000;
const maxFirsts = 100;
/** Never added to. */
const none: Firsts[] = [];

export interface Firsts {
  readonly minute: string;
  readonly key: string;
  count: number;
}

type Stored = readonly [
  lastMs: number,
  seconds: number,
  firsts: readonly (readonly [string, string, number])[],
  expiresAtMs: number,
];

export class Joined {
  /** The value of `by`, as it stands in the name of the entry. */
  readonly segment: string;
  readonly #keptForMs: number;
  #lastMs = 0;
  #seconds = 0;
  #firsts: Firsts[] = none;
  #expiresAtMs = 0;
  isDirty = false;

  constructor(segment: string, keptForDays: number) {
    this.segment = segment;
    this.#keptForMs = keptForDays * dayMs;
  }

  /** What the store has of it. */
  load(raw: Buffer): void {
    const [lastMs, seconds, firsts, expiresAtMs] = JSON.parse(raw.toString()) as Stored;
    this.#lastMs = lastMs;
    this.#seconds = seconds;
    this.#expiresAtMs = expiresAtMs;
    this.#firsts = firsts.map(([minute, key, count]) => ({ minute, key, count }));
  }

  /** An event of the pair has come, which is before anything is asked or added for it. */
  touch(timeMs: number): void {
    if (timeMs > this.#lastMs + this.#keptForMs) {
      this.#seconds = 0;
      this.#firsts = none;
    }
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    this.isDirty = true;
  }

  get seconds(): number {
    return this.#seconds;
  }

  get firsts(): readonly Firsts[] {
    return this.#firsts;
  }

  addSecond(): void {
    this.#seconds += 1;
  }

  addFirst(minute: string, key: string): void {
    const known = this.#firsts.find((firsts) => firsts.minute === minute && firsts.key === key);
    if (known) known.count += 1;
    else if (this.#firsts.length === 0) this.#firsts = [{ minute, key, count: 1 }]; // in memory for one: most stay alone
    else if (this.#firsts.push({ minute, key, count: 1 }) > maxFirsts) this.#firsts.shift();
  }

  /**
   * A day more than it is remembered, so that no clock that differs forgets what the log's time does not; and up to another day, since
   * each other time of expiry is an entry more in the store, which stays as long.
   */
  put(nowMs: number): Omit<Required<StatePut>, 'key'> {
    const neededToMs = Math.max(this.#lastMs, nowMs) + this.#keptForMs + dayMs;
    if (this.#expiresAtMs < neededToMs) this.#expiresAtMs = neededToMs + dayMs;
    const stored: Stored = [
      this.#lastMs,
      this.#seconds,
      this.#firsts.map(({ minute, key, count }) => [minute, key, count]),
      this.#expiresAtMs,
    ];
    return { value: Buffer.from(JSON.stringify(stored)), expiresAtMs: this.#expiresAtMs };
  }
}
