/**
 * Memory of the whole program while its PostgreSQL stands still and events come in (D6), and whether all of them land when
 * it goes on (D2).
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { escapeIdentifier } from 'pg';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { attachEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import type { LoadMethods } from '../ingest/load-process.ts';
import { benchConfig, loadApp } from '../parts.ts';
import { type ProcessMemory, readMemory } from '../process-memory.ts';
import { type BenchProgram, startProgram } from '../program.ts';
import { pausePostgres } from './postgres-processes.ts';

export interface MemorySample extends ProcessMemory {
  /** Since PostgreSQL was stopped. */
  readonly seconds: number;
}

export interface MemoryResult {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly failedPackages: number;
  readonly landed: number;
  /** From the moment when PostgreSQL went on. */
  readonly landSeconds: number;
  /** While PostgreSQL stood still. */
  readonly peakRssBytes: number;
  readonly peakAnonBytes: number;
  /** Over all of it, landing included. */
  readonly peakRssWithLandingBytes: number;
  readonly samples: readonly MemorySample[];
  readonly goalBytes: number;
  readonly met: boolean;
  readonly sound: boolean;
}

const goalBytes = 250 * 1024 * 1024;
const connections = 64;
const eventsAPackage = 100;
const usualEvents = 2_000_000;
const quickEvents = 20_000;
const sampleMs = 250;
const landTimeoutMs = 600_000;

export async function benchMemory(options: PartOptions): Promise<MemoryResult> {
  const { system, dir, quick } = options;
  if (process.platform !== 'linux')
    throw new Error('the memory of a process is read from /proc: this part needs Linux');
  const packages = Math.ceil((quick ? quickEvents : (options.events ?? usualEvents)) / eventsAPackage);
  const dataDir = join(dir, 'data');
  const program = await startProgram(system, dataDir);
  const load = new Child<LoadMethods>(join(import.meta.dirname, '../ingest/load-process.ts'));
  try {
    await program.warehouseIsUp();
    return await measure(options, program, load, packages);
  } finally {
    await load.stop();
    await program.kill();
  }
}

async function measure(
  { system, dir, onStep }: PartOptions,
  program: BenchProgram,
  load: Child<LoadMethods>,
  packages: number,
): Promise<MemoryResult> {
  const dataDir = join(dir, 'data');
  const send = (count: number) =>
    load.call('load', { url: program.url, system, eventsAPackage, connections, until: { packages: count } });
  const warmUp = await send(connections); // the table is there, connections are open
  await untilLanded(system, dataDir, warmUp.packages * eventsAPackage);
  onStep(`memory, ${packages * eventsAPackage} events while PostgreSQL stands still`);
  const goOn = await pausePostgres(dataPaths(dataDir).postgres);
  const sampler = startSampling(program.pid);
  const sent = await send(packages).finally(goOn);
  const samples = await sampler();
  onStep('memory, landing');
  const goneOnMs = performance.now();
  const total = (warmUp.packages + sent.packages) * eventsAPackage;
  const landed = await untilLanded(system, dataDir, total);
  const landSeconds = (performance.now() - goneOnMs) / 1000;
  const peakRssBytes = Math.max(...samples.map(({ rssBytes }) => rssBytes));
  return {
    events: sent.packages * eventsAPackage,
    eventsPerSecond: (sent.packages * eventsAPackage) / sent.seconds,
    failedPackages: sent.failed,
    landed: landed - warmUp.packages * eventsAPackage,
    landSeconds,
    peakRssBytes,
    peakAnonBytes: Math.max(...samples.map(({ anonBytes }) => anonBytes)),
    peakRssWithLandingBytes: (await readMemory(program.pid))?.peakRssBytes ?? 0,
    samples,
    goalBytes,
    met: peakRssBytes <= goalBytes,
    sound: landed === total && sent.failed === 0,
  };
}

/** Answers how to stop, with all samples. */
function startSampling(pid: number): () => Promise<readonly MemorySample[]> {
  const samples: MemorySample[] = [];
  const startedMs = performance.now();
  const take = async (): Promise<void> => {
    const memory = await readMemory(pid);
    if (memory) samples.push({ ...memory, seconds: (performance.now() - startedMs) / 1000 });
  };
  let running = take();
  const timer = setInterval(() => {
    running = take();
  }, sampleMs);
  return async () => {
    clearInterval(timer);
    await running;
    await take();
    return samples;
  };
}

/** Answers the rows in the table: `total`, or what there is after ten minutes. */
async function untilLanded(system: string, dataDir: string, total: number): Promise<number> {
  const { pipeline } = await loadApp(benchConfig(system, dataDir));
  const table = pipeline.sinks.find(({ kind }) => kind === 'table')?.name ?? system;
  const warehouse = await attachEmbeddedWarehouse({ dir: dataPaths(dataDir).postgres });
  const deadlineMs = performance.now() + landTimeoutMs;
  try {
    for (;;) {
      // missing until the processor has made it
      const found = await warehouse.pool
        .query<{ count: string }>(`SELECT count(*) FROM ${escapeIdentifier(table)}`)
        .catch(() => undefined);
      const landed = Number(found?.rows[0]?.count ?? 0);
      if (landed >= total || performance.now() > deadlineMs) return landed;
      await sleep(500);
    }
  } finally {
    await warehouse.close();
  }
}
