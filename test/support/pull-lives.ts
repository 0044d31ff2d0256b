/** Pulls in this process, on a directory that outlives each of them, as a data directory does. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Pull } from '../../src/pipeline/pulls.ts';
import { type PullObserver, pullRun } from '../../src/sources/rest/pull-run.ts';
import type { Run } from '../../src/sources/rest/run.ts';
import { readRuns } from '../../src/sources/rest/read-runs.ts';
import { RunStore } from '../../src/sources/rest/run-store.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import { scratch } from './program.ts';

export interface PullOptions {
  readonly signal?: AbortSignal;
  readonly observer?: Partial<PullObserver>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly now?: () => number;
  /** Objects of runs: who puts them is told that it failed, where they were put all the same (`after`), too. */
  readonly fails?: 'before' | 'after';
}

export interface PullLives {
  /** Without pauses. */
  pull(definition: Pull, options?: PullOptions): Promise<Run>;
  /** Of the object of a run, parsed; those of all objects where none is named. */
  items(key?: string | null): Promise<readonly Record<string, unknown>[]>;
  text(key: string): Promise<string>;
  keys(): Promise<readonly string[]>;
  runs(name: string): readonly Run[];
}

export async function pullLives(t: TestContext): Promise<PullLives> {
  return livesIn(await scratch(t));
}

export async function livesIn(root: string): Promise<PullLives> {
  const dir = join(root, 'pulls');
  await mkdir(dir, { recursive: true });
  const objects = await openDirectoryStore({ dir: join(root, 'objects') });
  const keys = () => Array.fromAsync(objects.list(''));
  const text = async (key: string): Promise<string> => String(await objects.get(key));
  return {
    async pull(pull, options: PullOptions = {}) {
      const { signal = new AbortController().signal, observer, variables = {}, now, fails } = options;
      const putFile = async (key: string, path: string): Promise<void> => {
        const isRun = key.startsWith('raw/');
        if (!isRun || fails !== 'before') await objects.putFile(key, path);
        if (isRun && fails) throw new Error(`the put failed: ${fails}`);
      };
      const store = new RunStore(join(dir, `${pull.name}.db`));
      const observes = { asked: nothing, retried: nothing, turned: nothing, startedOver: nothing, ...observer };
      try {
        return await pullRun({
          pull,
          store,
          objects: { ...objects, putFile },
          dir,
          signal,
          observer: observes,
          variables: (name) => variables[name],
          random: () => 0,
          ...(now && { now }),
        });
      } finally {
        store.close();
      }
    },
    async items(key) {
      const wanted = key === undefined ? (await keys()).filter((one) => one.startsWith('raw/')) : [key ?? ''];
      const texts = await Promise.all(wanted.map(text));
      const lines = texts.flatMap((one) => one.split('\n').filter((line) => line !== ''));
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    text,
    keys,
    runs: (name) => readRuns(join(dir, `${name}.db`), 100),
  };
}

const nothing = (): void => undefined;
