/**
 * Tributary beside its yardsticks, in one run on one machine, so that what counts are ratios. Embedded: ingest beside the same server
 * without a log, landing beside `psql \copy`, and memory while PostgreSQL stands still. On a cluster, whose servers it starts: ingest
 * beside the Kafka client's own producer, landing beside `psql \copy` and reading alone, and what a second node costs. A system that takes
 * requests: those beside the same server with a log that keeps nothing, and its views over millions of events. A system with batches: those
 * beside `psql \copy`, and reads beside pgbench. A system that takes files: those beside reading them and doing nothing. A system that is pushed events:
 * ingest of those, and its models beside DuckDB's shell and dbt. A system with pulls: those beside a bare loop of `fetch`.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './at-exit.ts';
import { benchClusterIngest, type ClusterIngestResult } from './cluster/ingest/ingest.ts';
import { benchClusterLanding, type ClusterLandingResult } from './cluster/landing.ts';
import { benchNodes, type NodesResult } from './cluster/nodes.ts';
import { benchFiles, type FilesResult } from './files/files.ts';
import { benchIngest, type IngestResult, isPushed } from './ingest/ingest.ts';
import { benchLanding, type LandingResult } from './landing/landing.ts';
import { benchMemory, type MemoryResult } from './memory/memory.ts';
import { benchModels, type ModelsResult } from './models/models.ts';
import { loadApps } from '../src/engine/load-apps.ts';
import { benchConfig } from './parts.ts';
import { benchPulls, type PullsResult } from './pulls/pulls.ts';
import { type BatchesResult, benchBatches } from './rates/batches.ts';
import { benchReads, type ReadsResult } from './rates/reads.ts';
import { benchRequests, type RequestsResult } from './requests/requests.ts';
import { benchViews, type ViewsResult } from './requests/views.ts';

export type Part =
  | 'ingest'
  | 'landing'
  | 'memory'
  | 'nodes'
  | 'requests'
  | 'views'
  | 'batches'
  | 'reads'
  | 'files'
  | 'models'
  | 'pulls';

export interface BenchOptions {
  readonly system: string;
  readonly engine: 'embedded' | 'cluster';
  /** Default: all parts that the engine has. */
  readonly only: Part | undefined;
  /** Seconds in place of minutes; the numbers mean nothing, and no goal is judged. */
  readonly quick: boolean;
  /** Of the parts landing, batches and reads, files, models, or pulls; default: each part's own. */
  readonly rows: number | undefined;
  /** Of the part memory, or views; default: each part's own. */
  readonly events: number | undefined;
  /** Told what is being measured. */
  readonly onStep: (step: string) => void;
}

interface About {
  readonly system: string;
  readonly quick: boolean;
  readonly machine: { readonly cpus: number; readonly node: string; readonly platform: string };
  /** False where a goal was missed; under `quick` only where something was lost or failed. */
  readonly passed: boolean;
}

export interface EmbeddedBenchResult extends About {
  readonly engine: 'embedded';
  readonly ingest: IngestResult | undefined;
  readonly landing: LandingResult | undefined;
  readonly memory: MemoryResult | undefined;
}

export interface ClusterBenchResult extends About {
  readonly engine: 'cluster';
  readonly ingest: ClusterIngestResult | undefined;
  readonly landing: ClusterLandingResult | undefined;
  readonly nodes: NodesResult | undefined;
}

/** Of a system that takes requests. */
export interface RequestsBenchResult extends About {
  readonly engine: 'embedded' | 'cluster';
  readonly requests: RequestsResult | undefined;
  readonly views: ViewsResult | undefined;
}

/** Of a system with a table that takes batches. */
export interface RatesBenchResult extends About {
  readonly engine: 'embedded';
  readonly batches: BatchesResult | undefined;
  readonly reads: ReadsResult | undefined;
}

/** Of a system that takes files. */
export interface FilesBenchResult extends About {
  readonly engine: 'embedded';
  readonly files: FilesResult | undefined;
}

/** Of a system that is pushed events in envelopes, pulls others, and has models. */
export interface PushedBenchResult extends About {
  readonly engine: 'embedded';
  readonly ingest: IngestResult | undefined;
  readonly pulls: PullsResult | undefined;
  readonly models: ModelsResult | undefined;
}

export type BenchResult =
  | EmbeddedBenchResult
  | ClusterBenchResult
  | RequestsBenchResult
  | RatesBenchResult
  | FilesBenchResult
  | PushedBenchResult;

/** What each part is given. */
export interface PartOptions extends BenchOptions {
  /** Empty, and removed afterwards. */
  readonly dir: string;
}

export async function bench(options: BenchOptions): Promise<BenchResult> {
  const [app] = await loadApps(benchConfig(options.system, '.'));
  if (app?.bulk) return benchRates(options);
  if (app?.pipeline?.source.kind === 'files') return benchFileSystem(options);
  if (app?.pipeline?.source.kind === 'requests') return benchRequestSystem(options);
  if (app?.pipeline && isPushed(app.pipeline)) return benchPushed(options, app.pulls !== undefined);
  return options.engine === 'cluster' ? benchCluster(options) : benchEmbedded(options);
}

async function benchEmbedded(options: BenchOptions): Promise<EmbeddedBenchResult> {
  const ingest = await runPart('ingest', benchIngest, options);
  const landing = await runPart('landing', benchLanding, options);
  const memory = await runPart('memory', benchMemory, options);
  return { ...about(options, [ingest, landing, memory]), engine: 'embedded', ingest, landing, memory };
}

async function benchPushed(options: BenchOptions, hasPulls: boolean): Promise<PushedBenchResult> {
  const ingest = await runPart('ingest', benchIngest, options);
  const pulls = hasPulls ? await runPart('pulls', benchPulls, options) : undefined;
  const models = await runPart('models', benchModels, options);
  return { ...about(options, [ingest, pulls, models]), engine: 'embedded', ingest, pulls, models };
}

async function benchCluster(options: BenchOptions): Promise<ClusterBenchResult> {
  const ingest = await runPart('ingest', benchClusterIngest, options);
  const landing = await runPart('landing', benchClusterLanding, options);
  const nodes = await runPart('nodes', benchNodes, options);
  return { ...about(options, [ingest, landing, nodes]), engine: 'cluster', ingest, landing, nodes };
}

async function benchRequestSystem(options: BenchOptions): Promise<RequestsBenchResult> {
  const { engine } = options;
  const requests = await runPart('requests', benchRequests, options);
  const views = engine === 'embedded' ? await runPart('views', benchViews, options) : undefined;
  return { ...about(options, [requests, views]), engine, requests, views };
}

async function benchRates(options: BenchOptions): Promise<RatesBenchResult> {
  const batches = await runPart('batches', benchBatches, options);
  const reads = await runPart('reads', benchReads, options);
  return { ...about(options, [batches, reads]), engine: 'embedded', batches, reads };
}

async function benchFileSystem(options: BenchOptions): Promise<FilesBenchResult> {
  const files = await runPart('files', benchFiles, options);
  return { ...about(options, [files]), engine: 'embedded', files };
}

interface Judged {
  readonly met: boolean;
  readonly sound: boolean;
}

function about({ system, quick }: BenchOptions, results: readonly (Judged | undefined)[]): About {
  return {
    system,
    quick,
    machine: {
      cpus: availableParallelism(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    },
    passed: results.every((result) => !result || (result.sound && (quick || result.met))),
  };
}

async function runPart<T>(
  part: Part,
  run: (options: PartOptions) => Promise<T>,
  options: BenchOptions,
): Promise<T | undefined> {
  if (options.only !== undefined && options.only !== part) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const callOff = atExit(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  try {
    return await run({ ...options, dir });
  } finally {
    await rm(dir, { recursive: true, force: true });
    callOff();
  }
}
