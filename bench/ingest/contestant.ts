/** One of several that take turns under the same load: its rates, latencies and memory, round by round. */
import { median } from '../median.ts';
import { forgetPeak, readMemory } from '../process-memory.ts';
import type { LoadOptions, LoadResult } from './load-process.ts';

export interface Measured {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server; absent where it cannot be read. */
  readonly peakRssBytes: number | undefined;
  /** Share of the time in which the server's main thread worked. */
  readonly busy: number | undefined;
  readonly failed: number;
}

export type Until = LoadOptions['until'];

/** A process, and how it comes under load. */
export interface Side {
  readonly pid: number;
  start(): Promise<void>;
  /** Answers the share of the time in which its main thread worked. */
  round(eventsAPackage: number, until: Until): Promise<LoadResult & { readonly busy: number }>;
  stop(): Promise<void>;
}

export class Contestant<Name extends string> {
  readonly name: Name;
  rates: number[] = [];
  readonly #side: Side;
  #rounds: LoadResult[] = [];
  #busy: number[] = [];

  constructor(name: Name, side: Side) {
    this.name = name;
    this.#side = side;
  }

  start(): Promise<void> {
    return this.#side.start();
  }

  /** Begins a new size. */
  async warmUp(eventsAPackage: number, until: Until | undefined): Promise<void> {
    this.rates = [];
    this.#rounds = [];
    this.#busy = [];
    if (until !== undefined) await this.#side.round(eventsAPackage, until);
    await forgetPeak(this.#side.pid);
  }

  async round(eventsAPackage: number, until: Until): Promise<void> {
    const result = await this.#side.round(eventsAPackage, until);
    if (result.packages === 0)
      throw new Error(
        `${this.name}: no package of ${eventsAPackage} events was answered in a round; is the machine busy?`,
      );
    this.#busy.push(result.busy);
    this.#rounds.push(result);
    this.rates.push((result.packages * eventsAPackage) / result.seconds);
  }

  measured(): Promise<Measured> {
    return measuredOf(this.rates, this.#rounds, this.#side.pid, median(this.#busy));
  }

  stop(): Promise<void> {
    return this.#side.stop();
  }
}

export async function measuredOf(
  rates: readonly number[],
  rounds: readonly LoadResult[],
  pid: number,
  busy?: number,
): Promise<Measured> {
  return {
    eventsPerSecond: median(rates),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    peakRssBytes: (await readMemory(pid))?.peakRssBytes,
    busy,
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
  };
}
