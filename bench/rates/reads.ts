/**
 * `GET /rates` for a month of a pair of regions, beside the same statement by pgbench with prepared statements, as many at a time; where
 * there is no pgbench, by `pg` with a prepared statement in a process of its own. They take turns; a ratio is the median of the ratios of
 * neighbouring rounds.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { isThere } from '../copy-file.ts';
import { median } from '../median.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { forgetPeak, readMemory } from '../process-memory.ts';
import { type Question, questionOf } from './asked-rates.ts';
import { FamilyCpu } from './family-cpu.ts';
import { runPgbench } from './pgbench.ts';
import { writePrices } from './price-file.ts';
import { type RatesProgram, startRates } from './rates-program.ts';
import type { ReadMethods } from './read-process.ts';
import { sendBatch } from './send-batch.ts';

export interface ReadsResult {
  readonly prices: number;
  readonly connections: number;
  readonly rounds: number;
  readonly reader: ReaderMeasured;
  readonly yardstick: ReaderMeasured;
  /** Its name. */
  readonly tool: string;
  /** Requests a second, of the yardstick's. */
  readonly ratio: number;
  readonly goal: number;
  readonly peakRssBytes: number | undefined;
  readonly met: boolean;
  readonly sound: boolean;
}

export interface ReaderMeasured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of one, 0 where it cannot be read; a yardstick has no program. */
  readonly programMicros: number;
  readonly postgresMicros: number;
}

/** What one turn of either measures. */
export interface ReadTurn {
  readonly answered: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const usualPrices = 1_000_000;
const quickPrices = 20_000;
const connections = 8;
const goal = 0.7;

export async function benchReads(options: PartOptions): Promise<ReadsResult> {
  const { system, dir, quick, onStep } = options;
  const prices = quick ? quickPrices : (options.rows ?? usualPrices);
  onStep(`reads, loading ${prices} prices`);
  const rates = await startRates(system, dir);
  const load = new Child<ReadMethods>(join(import.meta.dirname, 'read-process.ts'));
  try {
    await fill(rates, dir, prices);
    const question = await questionOf(rates.app);
    const plan = quick ? { rounds: 1, seconds: 1 } : { rounds: 5, seconds: 4 };
    const yardstick = await yardstickOf(rates, load, question, dir);
    const measured = await takeTurns(rates, plan, {
      http: () => load.call('overHttp', { url: rates.program.url, asked: question.asked, connections, ...plan }),
      yardstick: () => yardstick.run(plan.seconds),
      onStep,
    });
    return {
      prices,
      connections,
      rounds: plan.rounds,
      tool: yardstick.name,
      ...measured,
      goal,
      met: measured.ratio >= goal,
    };
  } finally {
    await load.stop();
    await rates.stop();
  }
}

/** By a batch; then the table is vacuumed, as PostgreSQL does it by itself after a while. */
async function fill({ warehouse, program, app, ports }: RatesProgram, dir: string, prices: number): Promise<void> {
  const file = join(dir, 'prices.csv');
  await writePrices(file, prices, ports);
  await sendBatch(`${program.url}${app.bulk?.path}`, file, 'reads');
  await rm(file);
  await warehouse.pool.query('VACUUM ANALYZE prices');
}

interface Yardstick {
  readonly name: string;
  readonly run: (seconds: number) => Promise<ReadTurn>;
}

async function yardstickOf(
  { warehouse: { url } }: RatesProgram,
  load: Child<ReadMethods>,
  question: Question,
  dir: string,
): Promise<Yardstick> {
  if (await isThere('pgbench'))
    return { name: 'pgbench', run: (seconds) => runPgbench({ url, question, connections, seconds, dir }) };
  return {
    name: 'pg, prepared (there is no pgbench here)',
    run: (seconds) => load.call('byClient', { url, ...question, connections, seconds }),
  };
}

interface Turns {
  readonly http: () => Promise<ReadTurn>;
  readonly yardstick: () => Promise<ReadTurn>;
  readonly onStep: (step: string) => void;
}

interface Round extends ReadTurn {
  readonly programMicros: number;
  readonly postgresMicros: number;
}

async function takeTurns(
  rates: RatesProgram,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  { http, yardstick, onStep }: Turns,
): Promise<Pick<ReadsResult, 'reader' | 'yardstick' | 'ratio' | 'peakRssBytes' | 'sound'>> {
  const [ours, theirs]: [Round[], Round[]] = [[], []];
  await http(); // both are warm then: the pages are PostgreSQL's
  await forgetPeak(rates.program.pid);
  for (let round = 0; round < rounds; round++) {
    onStep(`reads, round ${round + 1} of ${rounds}, ${seconds} s each`);
    ours.push(await timed(rates, http));
    theirs.push(await timed(rates, yardstick));
  }
  return {
    reader: summary(ours),
    yardstick: summary(theirs),
    ratio: median(ours.map((turn, i) => rateOf(turn) / rateOf(theirs[i] as Round))),
    peakRssBytes: (await readMemory(rates.program.pid))?.peakRssBytes,
    sound: true, // an answer other than 200 ends the run
  };
}

async function timed({ program, postgresPid }: RatesProgram, run: () => Promise<ReadTurn>): Promise<Round> {
  const postgres = await FamilyCpu.begin(postgresPid);
  const before = await readCpuSeconds(program.pid).catch(() => 0);
  const turn = await run();
  const programSeconds = (await readCpuSeconds(program.pid).catch(() => 0)) - before;
  const micros = (seconds: number): number => (seconds / turn.answered) * 1e6;
  return { ...turn, programMicros: micros(programSeconds), postgresMicros: micros(await postgres.end()) };
}

function rateOf({ answered, seconds }: ReadTurn): number {
  return answered / seconds;
}

function summary(rounds: readonly Round[]): ReaderMeasured {
  return {
    perSecond: median(rounds.map(rateOf)),
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    programMicros: median(rounds.map(({ programMicros }) => programMicros)),
    postgresMicros: median(rounds.map(({ postgresMicros }) => postgresMicros)),
  };
}
