/** One of several servers that take turns under the same load: its rates, latencies, memory and processor time, round by round. */
import type { Child } from '../child.ts';
import { median } from '../median.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { forgetPeak, readMemory } from '../process-memory.ts';
import type { Latencies, LoadMethods, LoadOptions, LoadResult, Until } from './load-process.ts';

export interface RequestsMeasured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly peakRssBytes: number | undefined;
  /** Processor time of a request, of all threads together: it says something on a busy machine, too. */
  readonly cpuMicros: number | undefined;
  readonly failed: number;
  /** Of the dashboards beside the requests. */
  readonly reads: Latencies | undefined;
}

/** A server that runs. */
export interface Served {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Turn {
  readonly path: string;
  readonly readPaths: readonly string[];
}

export class RequestsContestant {
  readonly name: string;
  rates: number[] = [];
  readonly #served: Served;
  readonly #load: Child<LoadMethods>;
  readonly #connections: number;
  #rounds: LoadResult[] = [];
  #cpuMicros: number[] = [];
  /** By path: uuids are numbered through, so that followups find the initials of the rounds before. */
  readonly #nextUuid = new Map<string, number>();

  constructor(name: string, served: Served, load: Child<LoadMethods>, connections: number) {
    this.name = name;
    this.#served = served;
    this.#load = load;
    this.#connections = connections;
  }

  get url(): string {
    return this.#served.url;
  }

  /** Begins another kind of turns. */
  async warmUp(turn: Turn, until: Until | undefined): Promise<void> {
    if (until) await this.#run(turn, until);
    this.rates = [];
    this.#rounds = [];
    this.#cpuMicros = [];
    await forgetPeak(this.#served.pid);
  }

  async round(turn: Turn, until: Until): Promise<void> {
    const before = await this.#cpuSeconds();
    const result = await this.#run(turn, until);
    if (result.answered === 0) throw new Error(`${this.name}: no request to ${turn.path} was answered in a round`);
    this.#cpuMicros.push((((await this.#cpuSeconds()) - before) / result.answered) * 1e6);
    this.#rounds.push(result);
    this.rates.push(result.answered / result.seconds);
  }

  async #run({ path, readPaths }: Turn, until: Until): Promise<LoadResult> {
    const firstUuid = this.#nextUuid.get(path) ?? 0;
    const options: LoadOptions = { url: this.url, path, readPaths, connections: this.#connections, until, firstUuid };
    const result = await this.#load.call('load', options);
    this.#nextUuid.set(path, firstUuid + result.answered + result.failed);
    return result;
  }

  /** Not a number where it cannot be read. */
  #cpuSeconds(): Promise<number> {
    return readCpuSeconds(this.#served.pid).catch(() => Number.NaN);
  }

  async measured(): Promise<RequestsMeasured> {
    const cpuMicros = median(this.#cpuMicros);
    return {
      requestsPerSecond: median(this.rates),
      p50Ms: median(this.#rounds.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(this.#rounds.map(({ p99Ms }) => p99Ms)),
      peakRssBytes: (await readMemory(this.#served.pid))?.peakRssBytes,
      cpuMicros: Number.isNaN(cpuMicros) ? undefined : cpuMicros,
      failed: this.#rounds.reduce((sum, { failed }) => sum + failed, 0),
      reads: readsOf(this.#rounds.flatMap(({ reads }) => reads ?? [])),
    };
  }

  stop(): Promise<void> {
    return this.#served.stop();
  }
}

function readsOf(rounds: readonly Latencies[]): Latencies | undefined {
  if (rounds.length === 0) return undefined;
  return {
    count: rounds.reduce((sum, { count }) => sum + count, 0),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}
