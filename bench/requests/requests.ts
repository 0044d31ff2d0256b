/**
 * Requests that are one event each, beside the same server with a log that keeps nothing: the log alone, and the whole program, which lands
 * them and keeps its views meanwhile, on the embedded engine or on a cluster; alone, and with dashboards that are read beside them. They
 * take turns, as machines are noisy: a ratio is the median of the ratios of neighbouring rounds.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { median } from '../median.ts';
import { awsVariables, startRedis, startServers } from '../cluster/servers.ts';
import type { BenchSettings } from '../parts.ts';
import { startProgram } from '../program.ts';
import { RequestsContestant, type RequestsMeasured, type Served } from './contestant.ts';
import type { LoadMethods, Until } from './load-process.ts';
import type { ServerMethods, StartOptions } from './server-process.ts';

export interface RequestsRow {
  readonly path: string;
  /** Dashboards are read beside the requests. */
  readonly withReads: boolean;
  readonly servers: readonly RequestsRowServer[];
}

export interface RequestsRowServer extends RequestsMeasured {
  readonly name: string;
  /** Its requests/s as a share of those of a log that keeps nothing, without reads; undefined for that one. */
  readonly ofNothing: number | undefined;
  readonly goal: number | undefined;
}

export interface RequestsResult {
  readonly connections: number;
  readonly rounds: number;
  readonly rows: readonly RequestsRow[];
  readonly met: boolean;
  /** Every request was answered with 200. */
  readonly sound: boolean;
}

const connections = 64;
const paths = ['/initial', '/followup'];
const dayMs = 24 * 60 * 60 * 1000;
const dayAt = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
/** Two symbols, and all of them over the last week. */
const dashboards = (nowMs: number): readonly string[] => [
  '/dashboard/symbol/e',
  '/dashboard/symbol/t',
  `/dashboard/range/${dayAt(nowMs - 6 * dayMs)}/${dayAt(nowMs + dayMs)}`,
];
const goal = 0.95;
/** Of the whole program, with all that it does beside. */
const judged = 'embedded';

const usualPlan = { rounds: 5, until: { seconds: 2 }, warmUp: { seconds: 1 } as Until | undefined };
const quickPlan = { rounds: 1, until: { requests: 10 * connections }, warmUp: undefined };

type Plan = { readonly rounds: number; readonly until: Until; readonly warmUp: Until | undefined };

export async function benchRequests(options: PartOptions): Promise<RequestsResult> {
  const { engine, system, dir } = options;
  const inDir = (name: string): string => join(dir, name);
  const nothing: Contender = ['nothing', () => startSources({ log: 'nothing', system, dataDir: inDir('nothing') })];
  const logAlone: Contender = ['log alone', () => startSources({ log: 'embedded', system, dataDir: inDir('log') })];
  const embedded: Contender = [judged, () => startWhole(system, inDir('program'), {})];
  if (engine === 'embedded') return measure(options, [nothing, logAlone, embedded]);
  return onServers(options, (settings) =>
    measure(options, [nothing, embedded, ['Kafka and Redis', () => startWhole(system, inDir('node'), settings)]]),
  );
}

/** A name, and how it starts. */
type Contender = readonly [name: string, start: () => Promise<Served>];

async function onServers<T>({ dir, onStep }: PartOptions, use: (settings: BenchSettings) => Promise<T>): Promise<T> {
  onStep('requests, starting Kafka, Redis, S3 and PostgreSQL');
  const servers = await startServers(dir);
  try {
    const redis = await startRedis(dir);
    try {
      const addresses = { KAFKA_BROKERS: servers.kafkaBrokers, REDIS_URL: redis.address };
      return await servers.withEmptyStores((stores) => use({ ...stores, ...awsVariables, ...addresses }));
    } finally {
      await redis.stop();
    }
  } finally {
    await servers.stop();
  }
}

async function measure(options: PartOptions, contenders: readonly Contender[]): Promise<RequestsResult> {
  const plan: Plan = options.quick ? quickPlan : usualPlan;
  const load = new Child<LoadMethods>(join(import.meta.dirname, 'load-process.ts'));
  const contestants: RequestsContestant[] = [];
  try {
    for (const [name, start] of contenders)
      contestants.push(new RequestsContestant(name, await start(), load, connections));
    const rows: RequestsRow[] = [];
    for (const withReads of [false, true])
      for (const path of paths) rows.push(await measureRow(path, withReads, plan, contestants, options));
    const measured = rows.flatMap(({ servers }) => servers);
    return {
      connections,
      rounds: plan.rounds,
      rows,
      met: measured.every((one) => one.goal === undefined || (one.ofNothing ?? 0) >= one.goal),
      sound: measured.every(({ failed }) => failed === 0),
    };
  } finally {
    await Promise.all([load, ...contestants].map((child) => child.stop()));
  }
}

/** With reads those that have dashboards, beside a log that keeps nothing, which has none. */
async function measureRow(
  path: string,
  withReads: boolean,
  plan: Plan,
  all: readonly RequestsContestant[],
  { onStep }: PartOptions,
): Promise<RequestsRow> {
  onStep(`requests, ${path}${withReads ? ' with dashboards beside' : ''}`);
  const nothing = all[0] as RequestsContestant;
  const contestants = withReads ? all.filter(({ name }) => name !== 'log alone') : all;
  const turnOf = (one: RequestsContestant) => ({
    path,
    readPaths: withReads && one !== nothing ? dashboards(Date.now()) : [],
  });
  for (const one of contestants) await one.warmUp(turnOf(one), plan.warmUp);
  for (let round = 0; round < plan.rounds; round++)
    for (const one of contestants) await one.round(turnOf(one), plan.until);
  const servers: RequestsRowServer[] = [];
  for (const one of contestants) {
    const ofNothing = median(one.rates.map((rate, i) => rate / (nothing.rates[i] as number)));
    servers.push({
      name: one.name,
      ...(await one.measured()),
      ofNothing: one === nothing ? undefined : ofNothing,
      goal: !withReads && one.name === judged ? goal : undefined,
    });
  }
  return { path, withReads, servers };
}

async function startSources(options: StartOptions): Promise<Served> {
  const child = new Child<ServerMethods>(join(import.meta.dirname, 'server-process.ts'));
  const url = await child.call('start', options);
  return { url, pid: child.pid, stop: () => child.stop() };
}

async function startWhole(system: string, dataDir: string, settings: BenchSettings): Promise<Served> {
  const program = await startProgram(system, dataDir, { env: settings });
  return { url: program.url, pid: program.pid, stop: () => program.kill() };
}
