/**
 * Tributary beside its yardsticks, in one run on one machine, so that what counts are ratios: ingest beside the same server
 * without a log, landing beside `psql \copy`, and memory while PostgreSQL stands still.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchIngest, type IngestResult } from './ingest/ingest.ts';
import { benchLanding, type LandingResult } from './landing/landing.ts';
import { benchMemory, type MemoryResult } from './memory/memory.ts';

export type Part = 'ingest' | 'landing' | 'memory';

export interface BenchOptions {
  readonly system: string;
  /** Default: all parts. */
  readonly only: Part | undefined;
  /** Seconds in place of minutes; the numbers mean nothing, and no goal is judged. */
  readonly quick: boolean;
  /** Of the part landing. */
  readonly rows: number;
  /** Of the part memory. */
  readonly events: number;
  /** Told what is being measured. */
  readonly onStep: (step: string) => void;
}

export interface BenchResult {
  readonly system: string;
  readonly quick: boolean;
  readonly machine: { readonly cpus: number; readonly node: string; readonly platform: string };
  readonly ingest: IngestResult | undefined;
  readonly landing: LandingResult | undefined;
  readonly memory: MemoryResult | undefined;
  /** False where a goal was missed; under `quick` only where something was lost or failed. */
  readonly passed: boolean;
}

/** What each part is given. */
export interface PartOptions extends BenchOptions {
  /** Empty, and removed afterwards. */
  readonly dir: string;
}

export async function bench(options: BenchOptions): Promise<BenchResult> {
  const { system, quick } = options;
  const machine = {
    cpus: availableParallelism(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
  const ingest = await runPart('ingest', benchIngest, options);
  const landing = await runPart('landing', benchLanding, options);
  const memory = await runPart('memory', benchMemory, options);
  const passed = [ingest, landing, memory].every((result) => !result || (result.sound && (quick || result.met)));
  return { system, quick, machine, ingest, landing, memory, passed };
}

async function runPart<T>(
  part: Part,
  run: (options: PartOptions) => Promise<T>,
  options: BenchOptions,
): Promise<T | undefined> {
  if (options.only !== undefined && options.only !== part) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  try {
    return await run({ ...options, dir });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
