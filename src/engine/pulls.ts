/**
 * Runs of pulls on a data directory: one at a time of each pull, by whichever process, and what became of those before. Where nodes share
 * log, state and objects, one at a time of all nodes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { readVariable } from '../config/variables.ts';
import { Fault } from '../errors.ts';
import { lockFile } from '../log/segments/lock.ts';
import type { Pull } from '../pipeline/pulls.ts';
import { type PullObserver, pullRun } from '../sources/rest/pull-run.ts';
import { pullTogether } from '../sources/rest/pull-together.ts';
import type { Run } from '../sources/rest/run.ts';
import { readRuns } from '../sources/rest/read-runs.ts';
import { RunStore } from '../sources/rest/run-store.ts';
import { makePrivateDirectory } from '../stores/durable-files.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { dataPaths } from './data-paths.ts';

export interface PullInEngineOptions {
  readonly dataDir: string;
  readonly objects: ObjectStore;
  /** Where nodes pull together. */
  readonly state?: StateStore | undefined;
  /** The time of the schedule, Unix milliseconds: of nodes that pull together one pulls then. Default: by hand. */
  readonly dueMs?: number | undefined;
  readonly observer: PullObserver;
  readonly signal: AbortSignal;
}

/** Nodes that share log, state and objects. */
export function pullsTogether({
  kafkaBrokers,
  databaseUrl,
  objects,
}: Pick<Config, 'kafkaBrokers' | 'databaseUrl' | 'objects'>): boolean {
  return kafkaBrokers !== undefined && databaseUrl !== undefined && objects !== undefined;
}

/** @returns the run, done @throws Fault PULL_UNDER_WAY; and as `pullRun` and `pullTogether` do */
export async function pullInEngine(pull: Pull, options: PullInEngineOptions): Promise<Run> {
  const dir = dataPaths(options.dataDir).pulls;
  await makePrivateDirectory(dir);
  const release = await lockFile(join(dir, `${pull.name}.lock`));
  if (!release) throw new Fault('PULL_UNDER_WAY', `${pull.name} is pulled by another process`);
  try {
    const store = new RunStore(runsFile(dir, pull.name));
    try {
      const { state, ...others } = options;
      const about = { ...others, pull, store, dir, variables: readVariable };
      return await (state ? pullTogether({ ...about, state }) : pullRun(about));
    } finally {
      store.close();
    }
  } finally {
    release();
  }
}

/** The newest first, of pulls that are configured. @param limit how many of each */
export function runsOf(pulls: readonly Pull[], dataDir: string, limit: number): readonly Run[] {
  const dir = dataPaths(dataDir).pulls;
  const files = pulls.map(({ name }) => runsFile(dir, name)).filter((path) => existsSync(path));
  return files.flatMap((path) => readRuns(path, limit)).toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

/** Whether a process is at it now. */
export async function isPulled(dataDir: string, pull: string): Promise<boolean> {
  const path = join(dataPaths(dataDir).pulls, `${pull}.lock`);
  if (!existsSync(path)) return false;
  const release = await lockFile(path);
  release?.();
  return release === undefined;
}

function runsFile(dir: string, name: string): string {
  return join(dir, `${name}.db`);
}
