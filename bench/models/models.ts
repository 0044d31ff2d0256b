/**
 * The models of the lake, built by `tributary models run`, by DuckDB's shell with the same SQL, and by dbt, from the same files, in turns: over as many
 * sessions as `tributary models sample` makes, where starting decides, and over millions, where DuckDB does. Each time for the first time, and again over
 * the tables that are there. Who is not to be had here is left out.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { dataPaths } from '../../src/engine/data-paths.ts';
import type { PartOptions } from '../bench.ts';
import { median } from '../median.ts';
import { type Contestant, type ContestantName, dbt, duckDbShell, tributary } from './contestants.ts';
import { type Installed, installed } from './installed.ts';
import { makeLake } from './make-lake.ts';
import { type Spent, timedProcess } from './timed-process.ts';

export interface ModelsWay extends Spent {
  readonly name: ContestantName;
  /** What the run of Tributary takes of its time. */
  readonly ratio: number | undefined;
  /** The ratio at most. */
  readonly goal: number | undefined;
}

export interface ModelsRun {
  readonly sessions: number;
  readonly when: 'first' | 'again';
  readonly ways: readonly ModelsWay[];
}

export interface ModelsResult {
  readonly runs: readonly ModelsRun[];
  /** Who is left out, and why. */
  readonly missing: readonly string[];
  readonly met: boolean;
  /** Their tables are the same. */
  readonly sound: boolean;
}

interface Size {
  readonly sessions: number;
  readonly runs: readonly ('first' | 'again')[];
  readonly rounds: number;
  readonly goals: Partial<Readonly<Record<ContestantName, number>>>;
}

const runs = ['first', 'again'] as const;
const sampleSize: Size = { sessions: 50_000, runs, rounds: 5, goals: { dbt: 1 / 5 } };
const usualSize: Size = { sessions: 10_000_000, runs, rounds: 3, goals: { 'DuckDB shell': 1.05 } };
const quickSize: Size = { sessions: 5000, runs: ['first'], rounds: 1, goals: {} };

export async function benchModels({ dir, quick, rows, onStep }: PartOptions): Promise<ModelsResult> {
  const shell = await installed('scripts/install-duckdb.sh');
  const python = await installed('scripts/install-dbt.sh');
  const sizes = quick ? [quickSize] : [sampleSize, { ...usualSize, ...(rows !== undefined && { sessions: rows }) }];
  const measured: ModelsRun[] = [];
  let sound = true;
  for (const [i, size] of sizes.entries()) {
    const dataDir = join(dir, String(i));
    await mkdir(dataDir);
    onStep(`models, making ${size.sessions} sessions`);
    await makeLake(dataPaths(dataDir).objects, size.sessions);
    const contestants = [
      await tributary(dataDir),
      ...('path' in shell ? [await duckDbShell(shell.path, dataDir)] : []),
      ...('path' in python ? [await dbt(python.path, dataDir)] : []),
    ];
    measured.push(...(await measure(contestants, size, onStep)));
    onStep('models, comparing the tables');
    sound &&= await areSame(contestants);
    await rm(dataDir, { recursive: true });
  }
  const missing = [shell, python].flatMap((one: Installed) => ('missing' in one ? [one.missing] : []));
  const judged = measured.flatMap(({ ways }) => ways).filter(({ goal }) => goal !== undefined);
  return { runs: measured, missing, met: judged.every(({ ratio, goal }) => Number(ratio) <= Number(goal)), sound };
}

async function measure(
  contestants: readonly Contestant[],
  { sessions, runs: whens, rounds, goals }: Size,
  onStep: PartOptions['onStep'],
): Promise<readonly ModelsRun[]> {
  const spent = { first: spentBy(contestants), again: spentBy(contestants) };
  for (let round = 0; round < rounds; round++) {
    const turn = [
      ...contestants.slice(round % contestants.length),
      ...contestants.slice(0, round % contestants.length),
    ];
    for (const { forget } of turn) await forget();
    for (const when of whens)
      for (const { name, command } of turn) {
        onStep(`models, ${sessions} sessions, round ${round + 1} of ${rounds}, ${when}: ${name}`);
        spent[when].get(name)?.push(await timedProcess(command));
      }
  }
  return whens.map((when) => ({ sessions, when, ways: waysOf(spent[when], goals) }));
}

function spentBy(contestants: readonly Contestant[]): Map<ContestantName, Spent[]> {
  return new Map(contestants.map(({ name }) => [name, []]));
}

/** A ratio is the median of the rounds' ratios. */
function waysOf(spent: ReadonlyMap<ContestantName, readonly Spent[]>, goals: Size['goals']): readonly ModelsWay[] {
  const ours = spent.get('tributary') ?? [];
  return [...spent].map(([name, rounds]) => ({
    name,
    seconds: median(rounds.map(({ seconds }) => seconds)),
    cpuSeconds: medianOf(rounds.map(({ cpuSeconds }) => cpuSeconds)),
    peakRssBytes: medianOf(rounds.map(({ peakRssBytes }) => peakRssBytes)),
    ratio:
      name === 'tributary'
        ? undefined
        : median(rounds.map(({ seconds }, round) => (ours[round]?.seconds ?? Number.NaN) / seconds)),
    goal: goals[name],
  }));
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

async function areSame(contestants: readonly Contestant[]): Promise<boolean> {
  const [first, ...others] = await Promise.all(contestants.map(({ tables }) => tables()));
  return Object.keys(first ?? {}).length > 0 && others.every((other) => isDeepStrictEqual(other, first));
}
