/**
 * Durable ingest beside the same server without a log, and beside a bare node:http. The variants take turns, as machines
 * are noisy: a ratio is the median of the ratios of neighbouring rounds.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { median } from '../median.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { benchConfig, loadApp } from '../parts.ts';
import { startProgram } from '../program.ts';
import { Contestant, type Measured, measuredOf, type Until } from './contestant.ts';
import { HttpSide } from './http-side.ts';
import type { LoadMethods, LoadResult } from './load-process.ts';
import type { Variant } from './server-process.ts';

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
  [50, 0.9],
  [100, 0.9],
  [1000, 0.9],
]);

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
/** As producers push them. Not the whole program: each connection sends one package again and again, and the processor would only drop duplicates. */
const pushed: Pick<Plan, 'sizes' | 'fullProgram'> = { sizes: [50], fullProgram: false };

export async function benchIngest(options: PartOptions): Promise<IngestResult> {
  const { pipeline } = await loadApp(benchConfig(options.system, '.'));
  const usual = options.quick ? quickPlan : usualPlan;
  const plan = isPushed(pipeline) ? { ...usual, ...pushed } : usual;
  const load = new Child<LoadMethods>(join(import.meta.dirname, 'load-process.ts'));
  const { system, dir } = options;
  const servers = variants.map((variant) => {
    const start = { variant, system, dataDir: join(dir, variant) };
    return new Contestant(variant, new HttpSide(start, load, connections));
  });
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

/** In envelopes. */
export function isPushed({ source }: Pipeline): boolean {
  return source.kind === 'http' && source.envelope !== undefined;
}

async function measureSize(
  size: number,
  plan: Plan,
  servers: readonly Contestant<Variant>[],
  { onStep }: PartOptions,
): Promise<IngestRow> {
  onStep(`ingest, ${size} events a package`);
  for (const server of servers) await server.warmUp(size, plan.warmUp);
  for (let round = 0; round < plan.rounds; round++) for (const server of servers) await server.round(size, plan.until);
  const [durable, noLog, bare] = servers.map((server) => server.rates) as [number[], number[], number[]];
  const ratio = (others: readonly number[]): number => median(durable.map((rate, i) => rate / (others[i] as number)));
  const measured = await Promise.all(servers.map(async (server) => [server.name, await server.measured()] as const));
  return {
    eventsAPackage: size,
    variants: Object.fromEntries(measured) as Record<Variant, Measured>,
    ofNoLog: ratio(noLog),
    ofBare: ratio(bare),
    goal: goals.get(size),
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
