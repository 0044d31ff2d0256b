/**
 * Batches of prices over HTTP, beside `psql \copy` of the same file into the same table, and into one like it without constraints: with the
 * index that reads need, which takes the most of all of them, and without it, as the dump has the table. They take turns, each on an
 * empty table; a ratio is the median of the ratios of neighbouring rounds.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { type CopyTool, findCopyTool } from '../copy-file.ts';
import { measureTable, type TableMeasured } from './measure-table.ts';
import { writePrices } from './price-file.ts';
import { startRates } from './rates-program.ts';

export interface BatchesResult {
  readonly tables: readonly TableMeasured[];
  /** What copied. */
  readonly yardstick: CopyTool;
  readonly peakRssBytes: number | undefined;
  readonly goalBytes: number;
  readonly met: boolean;
  readonly sound: boolean;
}

const usualSizes = [50_000, 1_000_000];
const quickSizes = [2_000];
const goalBytes = 200 * 1024 * 1024;

/** As often as takes about a minute. */
function roundsOf(rows: number, isQuick: boolean): number {
  if (isQuick || rows > 1_000_000) return 1;
  return rows <= 100_000 ? 9 : 3;
}

export async function benchBatches(options: PartOptions): Promise<BatchesResult> {
  const { system, dir, quick, onStep } = options;
  const sizes = quick ? quickSizes : options.rows === undefined ? usualSizes : [options.rows];
  onStep('batches, starting');
  const rates = await startRates(system, dir);
  try {
    const tool = await findCopyTool();
    const tables: TableMeasured[] = [];
    for (const rows of sizes) {
      const file = join(dir, `${rows}.csv`);
      await writePrices(file, rows, rates.ports);
      const size = { rows, file, tool, rounds: roundsOf(rows, quick) };
      for (const hasIndex of [true, false]) tables.push(await measureTable(rates, { ...size, hasIndex }, onStep));
      await rm(file);
    }
    const peaks = tables.flatMap((table) => table.peakRssBytes ?? []);
    const ways = tables.flatMap((table) => table.ways);
    return {
      tables,
      yardstick: tool,
      peakRssBytes: peaks.length > 0 ? Math.max(...peaks) : undefined,
      goalBytes,
      met: ways.every(({ met }) => met) && peaks.every((peak) => peak <= goalBytes),
      sound: true, // a row that is missing ends the run
    };
  } finally {
    await rates.stop();
  }
}
