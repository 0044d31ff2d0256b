/**
 * Files that lie in one directory: into the log, and the whole way into the tables, beside reading the same files and doing nothing, all in one run, and
 * each in a process of its own. Reading takes its turn before and after. Then the source once more, when it knows all of them.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSource } from '../../src/pipeline/source-paths.ts';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { benchConfig, loadApp } from '../parts.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { readMemory } from '../process-memory.ts';
import { startProgram } from '../program.ts';
import type { FilesMethods } from './files-process.ts';
import { makeFiles } from './make-files.ts';

export interface FilesWay {
  readonly name: string;
  readonly filesPerSecond: number;
  /** Of one file, in all threads of the process: PostgreSQL's are not in it. */
  readonly cpuMicros: number;
  /** Undefined where the system does not tell. */
  readonly peakRssBytes: number | undefined;
  /** Resident at the end, and the process's own: not mapped from a file. */
  readonly anonBytes: number | undefined;
  /** Of reading. */
  readonly ratio: number | undefined;
  readonly goal: number | undefined;
}

export interface FilesResult {
  readonly files: number;
  readonly ways: readonly FilesWay[];
  readonly goalRssBytes: number;
  readonly met: boolean;
  readonly sound: boolean;
}

const usualFiles = 1_000_000;
const quickFiles = 500;
const goal = 0.5;
const goalRssBytes = 200 * 1024 * 1024;
const pollMs = 100;

type Measured = Omit<FilesWay, 'ratio' | 'goal'>;

export async function benchFiles(options: PartOptions): Promise<FilesResult> {
  const { system, dir, quick, onStep } = options;
  const count = quick ? quickFiles : (options.rows ?? usualFiles);
  const app = await loadApp(benchConfig(system, dir));
  const directory = join(dir, fileSource(app.pipeline).directories.at(-1) ?? '');
  onStep(`files, making ${count}`);
  try {
    makeFiles(app, directory, count);
    return await measureWays(options, { directory, count, sinks: app.pipeline.sinks.length });
  } finally {
    rmSync(directory, { recursive: true, force: true }); // who removes the rest would have a million names in memory
  }
}

interface Made {
  readonly directory: string;
  readonly count: number;
  readonly sinks: number;
}

async function measureWays(options: PartOptions, { directory, count, sinks }: Made): Promise<FilesResult> {
  const { system, dir, onStep } = options;
  const where = { system, directory, count, dataDir: join(dir, 'source') };
  const child = (name: string, method: 'read' | 'readInTurn' | 'take'): Promise<Measured> => {
    onStep(`files, ${name}`);
    return inChild(name, method, where);
  };
  const reads = [await child('read', 'read')];
  const inTurn = await child('read, one call after the other', 'readInTurn');
  const source = await child('into the log', 'take');
  reads.push(await child('read', 'read'));
  const known = await child('looked at again', 'take');
  onStep('files, into the tables');
  const program = await wholeProgram(options, count, sinks);
  const read = meanOf(reads);
  const beside = (measured: Measured, of?: number): FilesWay => ({
    ...measured,
    ratio: measured.filesPerSecond / read.filesPerSecond,
    goal: of,
  });
  const judged = [beside(source, goal), beside(program, goal)];
  return {
    files: count,
    ways: [{ ...read, ratio: undefined, goal: undefined }, beside(inTurn), ...judged, beside(known)],
    goalRssBytes,
    met: judged.every(({ ratio, peakRssBytes = 0 }) => Number(ratio) >= goal && peakRssBytes <= goalRssBytes),
    sound: true, // a file that is missing ends the run
  };
}

async function inChild(
  name: string,
  method: 'read' | 'readInTurn' | 'take',
  where: Parameters<FilesMethods['take']>[0],
): Promise<Measured> {
  const env = { MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=8' }; // as the program has it
  const child = new Child<FilesMethods>(join(import.meta.dirname, 'files-process.ts'), env);
  try {
    const { seconds, cpuSeconds } = await child.call(method, where);
    const memory = await child.call('memory', undefined);
    return measuredOf(name, { count: where.count, seconds, cpuSeconds }, memory);
  } finally {
    await child.stop();
  }
}

/** From its start, until every event has landed in every sink. */
async function wholeProgram({ system, dir }: PartOptions, count: number, sinks: number): Promise<Measured> {
  const startedMs = performance.now();
  const program = await startProgram(system, join(dir, 'data'), { workingDir: dir });
  try {
    while ((await landed(program.url)) < count * sinks) await sleep(pollMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuSeconds = await readCpuSeconds(program.pid).catch(() => 0); // without /proc
    return measuredOf('into the tables', { count, seconds, cpuSeconds }, await readMemory(program.pid));
  } finally {
    await program.kill();
  }
}

/** Events, once for each sink. */
async function landed(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = text.matchAll(/^tributary_events_landed_total\{.*\} (\d+)/gm);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

function measuredOf(
  name: string,
  { count, seconds, cpuSeconds }: { readonly count: number; readonly seconds: number; readonly cpuSeconds: number },
  memory: Awaited<ReturnType<typeof readMemory>>,
): Measured {
  const { peakRssBytes, anonBytes } = memory ?? {};
  return { name, filesPerSecond: count / seconds, cpuMicros: (cpuSeconds / count) * 1e6, peakRssBytes, anonBytes };
}

function meanOf(all: readonly Measured[]): Measured {
  const mean = (value: (one: Measured) => number): number => all.reduce((sum, one) => sum + value(one), 0) / all.length;
  const [first] = all as [Measured];
  return { ...first, filesPerSecond: mean((one) => one.filesPerSecond), cpuMicros: mean((one) => one.cpuMicros) };
}
