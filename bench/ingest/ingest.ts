/**
 * Durable ingest beside the same server without a log, and beside a bare node:http. The variants take turns, as machines
 * are noisy: a ratio is the median of the ratios of neighbouring rounds.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { median } from '../median.ts';
import { forgetPeak, readMemory } from '../process-memory.ts';
import { startProgram } from '../program.ts';
import type { LoadMethods, LoadOptions, LoadResult } from './load-process.ts';
import type { ServerMethods, Variant } from './server-process.ts';

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

export interface IngestRow {
  readonly eventsAPackage: number;
  readonly variants: Readonly<Record<Variant, Measured>>;
  /** Durable events/s as a share of those without a log. */
  readonly ofNoLog: number;
  readonly ofBare: number;
  readonly goal: number | undefined;
}

export interface IngestResult {
  readonly connections: number;
  readonly rounds: number;
  readonly rows: readonly IngestRow[];
  /** The whole program, which lands the events meanwhile. */
  readonly fullProgram: (Measured & { readonly eventsAPackage: number }) | undefined;
  readonly met: boolean;
  /** Every package was answered with 200. */
  readonly sound: boolean;
}

const connections = 64;
const variants: readonly Variant[] = ['durable', 'no-log', 'bare'];
const goals = new Map([
  [1, 0.8],
  [100, 0.9],
  [1000, 0.9],
]);

type Until = LoadOptions['until'];

interface Plan {
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** The end of a round. */
  readonly until: Until;
  /** Before the first round of each size: compiles the code that it needs. */
  readonly warmUp: Until | undefined;
  readonly fullProgram: boolean;
}

const usualPlan: Plan = {
  sizes: [1, 10, 100, 1000],
  rounds: 5,
  until: { seconds: 2 },
  warmUp: { seconds: 1 },
  fullProgram: true,
};
const quickPlan: Plan = {
  sizes: [1, 100],
  rounds: 1,
  until: { packages: 5 * connections },
  warmUp: undefined,
  fullProgram: false,
};
const fullProgramSize = 100;

export async function benchIngest(options: PartOptions): Promise<IngestResult> {
  const plan = options.quick ? quickPlan : usualPlan;
  const load = new Child<LoadMethods>(join(import.meta.dirname, 'load-process.ts'));
  const servers = variants.map((variant) => new ServerUnderLoad(variant, options, load));
  try {
    const rows: IngestRow[] = [];
    for (const server of servers) await server.start();
    for (const size of plan.sizes) rows.push(await measureSize(size, plan, servers, options));
    const fullProgram = plan.fullProgram ? await measureProgram(options, load, plan) : undefined;
    const measured = [...rows.flatMap((row) => Object.values(row.variants)), ...(fullProgram ? [fullProgram] : [])];
    const met = rows.every(({ ofNoLog, goal }) => goal === undefined || ofNoLog >= goal);
    return {
      connections,
      rounds: plan.rounds,
      rows,
      fullProgram,
      met,
      sound: measured.every(({ failed }) => failed === 0),
    };
  } finally {
    await Promise.all([load, ...servers].map((child) => child.stop()));
  }
}

async function measureSize(
  size: number,
  plan: Plan,
  servers: readonly ServerUnderLoad[],
  { onStep }: PartOptions,
): Promise<IngestRow> {
  onStep(`ingest, ${size} events a package`);
  for (const server of servers) await server.warmUp(size, plan.warmUp);
  for (let round = 0; round < plan.rounds; round++) for (const server of servers) await server.round(size, plan.until);
  const [durable, noLog, bare] = servers.map((server) => server.rates) as [number[], number[], number[]];
  const ratio = (others: readonly number[]): number => median(durable.map((rate, i) => rate / (others[i] as number)));
  const measured = await Promise.all(servers.map(async (server) => [server.variant, await server.measured()] as const));
  return {
    eventsAPackage: size,
    variants: Object.fromEntries(measured) as Record<Variant, Measured>,
    ofNoLog: ratio(noLog),
    ofBare: ratio(bare),
    goal: goals.get(size),
  };
}

class ServerUnderLoad {
  readonly variant: Variant;
  rates: number[] = [];
  readonly #options: PartOptions;
  readonly #load: Child<LoadMethods>;
  readonly #child = new Child<ServerMethods>(join(import.meta.dirname, 'server-process.ts'));
  #rounds: LoadResult[] = [];
  #busy: number[] = [];
  #url = '';

  constructor(variant: Variant, options: PartOptions, load: Child<LoadMethods>) {
    this.variant = variant;
    this.#options = options;
    this.#load = load;
  }

  async start(): Promise<void> {
    const { system, dir } = this.#options;
    this.#url = await this.#child.call('start', { variant: this.variant, system, dataDir: join(dir, this.variant) });
  }

  /** Begins a new size. */
  async warmUp(eventsAPackage: number, until: Until | undefined): Promise<void> {
    this.rates = [];
    this.#rounds = [];
    this.#busy = [];
    if (until !== undefined) await this.#send(eventsAPackage, until);
    await forgetPeak(this.#child.pid);
  }

  async round(eventsAPackage: number, until: Until): Promise<void> {
    await this.#child.call('beginRound', undefined);
    const result = await this.#send(eventsAPackage, until);
    this.#busy.push(await this.#child.call('endRound', undefined));
    this.#rounds.push(result);
    this.rates.push((result.packages * eventsAPackage) / result.seconds);
  }

  async measured(): Promise<Measured> {
    return measuredOf(this.rates, this.#rounds, this.#child.pid, median(this.#busy));
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  #send(eventsAPackage: number, until: Until): Promise<LoadResult> {
    const { system } = this.#options;
    return this.#load.call('load', { url: this.#url, system, eventsAPackage, connections, until });
  }
}

async function measuredOf(
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

async function measureProgram(
  options: PartOptions,
  load: Child<LoadMethods>,
  plan: Plan,
): Promise<IngestResult['fullProgram']> {
  const { system, dir, onStep } = options;
  onStep(`ingest, ${fullProgramSize} events a package, whole program`);
  const program = await startProgram(system, join(dir, 'program'));
  try {
    await program.warehouseIsUp();
    const rounds: LoadResult[] = [];
    for (let round = 0; round <= plan.rounds; round++) {
      const { until } = plan;
      rounds.push(
        await load.call('load', { url: program.url, system, eventsAPackage: fullProgramSize, connections, until }),
      );
    }
    rounds.shift(); // the warm-up
    const rates = rounds.map(({ packages, seconds }) => (packages * fullProgramSize) / seconds);
    return { eventsAPackage: fullProgramSize, ...(await measuredOf(rates, rounds, program.pid)) };
  } finally {
    await program.kill();
  }
}
