/**
 * From a full log to PostgreSQL and objects, beside `psql \copy` of the same rows on the same server. The two take turns;
 * each time the sinks are empty, the process is new and the log is the same.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { median } from '../median.ts';
import { benchConfig, type BenchSettings, loadApp } from '../parts.ts';
import { readMemory } from '../process-memory.ts';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { attachEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { CopyYardstick, tableOf } from './copy-yardstick.ts';
import type { LandingMethods } from './landing-process.ts';

export interface LandingResult {
  readonly rows: number;
  readonly rounds: number;
  readonly landedPerSecond: number;
  readonly copiedPerSecond: number;
  /** What copied. */
  readonly yardstick: string;
  readonly ratio: number;
  readonly goal: number;
  readonly peakRssBytes: number | undefined;
  readonly met: boolean;
  readonly sound: boolean;
}

interface Round {
  readonly landSeconds: number;
  readonly copySeconds: number;
  readonly peakRssBytes: number | undefined;
}

const goal = 0.9;
const usualRounds = 3;
export const usualRows = 500_000;
const quickRows = 5_000;

export async function benchLanding(options: PartOptions): Promise<LandingResult> {
  const { system, dir, quick, onStep } = options;
  const dataDir = join(dir, 'data');
  const app = await loadApp(benchConfig(system, dataDir));
  const yardstick = await CopyYardstick.make(tableOf(app.pipeline), join(dir, 'rows.copy'));
  onStep('landing, filling a log');
  const rows = await inLandingProcess((child) =>
    child.call('fill', { system, dataDir, events: quick ? quickRows : (options.rows ?? usualRows) }),
  );
  const rounds: Round[] = [];
  for (let round = 0; round < (quick ? 1 : usualRounds); round++) {
    onStep(`landing, round ${round + 1}`);
    rounds.push(await inLandingProcess((child) => measureRound(child, { system, dataDir, rows }, yardstick)));
  }
  return summary(rows, rounds, yardstick);
}

async function measureRound(
  child: LandingProcess,
  where: Parameters<LandingMethods['land']>[0],
  yardstick: CopyYardstick,
): Promise<Round> {
  const landSeconds = await child.call('land', where);
  const memory = await readMemory(child.pid);
  const warehouse = await attachEmbeddedWarehouse({ dir: dataPaths(where.dataDir).postgres });
  try {
    await yardstick.export(warehouse);
    const copySeconds = await yardstick.copy(warehouse);
    await yardstick.dropTables(warehouse);
    return { landSeconds, copySeconds, peakRssBytes: memory?.peakRssBytes };
  } finally {
    await warehouse.close();
    await child.call('stop', undefined);
  }
}

export type LandingProcess = Child<LandingMethods>;

/** @param env more of it than this process has */
export async function inLandingProcess<T>(
  use: (child: LandingProcess) => Promise<T>,
  env: BenchSettings = {},
): Promise<T> {
  const child: LandingProcess = new Child(join(import.meta.dirname, 'landing-process.ts'), env);
  try {
    return await use(child);
  } finally {
    await child.stop();
  }
}

function summary(rows: number, rounds: readonly Round[], { tool }: CopyYardstick): LandingResult {
  const ratio = median(rounds.map(({ landSeconds, copySeconds }) => copySeconds / landSeconds));
  const peaks = rounds.flatMap(({ peakRssBytes }) => peakRssBytes ?? []);
  return {
    rows,
    rounds: rounds.length,
    landedPerSecond: median(rounds.map(({ landSeconds }) => rows / landSeconds)),
    copiedPerSecond: median(rounds.map(({ copySeconds }) => rows / copySeconds)),
    yardstick: tool,
    ratio,
    goal,
    peakRssBytes: peaks.length > 0 ? Math.max(...peaks) : undefined,
    met: ratio >= goal,
    sound: true, // a row that is missing on either side ends the run
  };
}
