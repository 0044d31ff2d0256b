/** One table, with its index or without: batches, copies into it, and copies into one without constraints, round by round. */
import { copyFile, type CopyTool } from '../copy-file.ts';
import { median } from '../median.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { forgetPeak, readMemory } from '../process-memory.ts';
import { FamilyCpu } from './family-cpu.ts';
import type { RatesProgram } from './rates-program.ts';
import { sendBatch } from './send-batch.ts';

export interface TableMeasured {
  readonly rows: number;
  readonly rounds: number;
  readonly hasIndex: boolean;
  /** The batch first. */
  readonly ways: readonly Way[];
  /** Of the program under batches, PostgreSQL not among it. */
  readonly peakRssBytes: number | undefined;
}

export interface Way {
  readonly name: string;
  readonly p50Seconds: number;
  readonly slowestSeconds: number;
  /** Processor time a row, 0 where it cannot be read; the program has no part in a copy. */
  readonly programMicros: number | undefined;
  readonly postgresMicros: number;
  /** A batch's seconds, of those of this way; undefined for the batch itself. */
  readonly batchIs: number | undefined;
  /** At most. */
  readonly goal: number | undefined;
  readonly met: boolean;
}

export interface TableOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly hasIndex: boolean;
  readonly file: string;
  readonly tool: CopyTool;
}

/** Seconds and processor time of one turn. */
interface Turn {
  readonly seconds: number;
  readonly programMicros: number;
  readonly postgresMicros: number;
}

const columns = '(orig_code, dest_code, day, price)';
/** Like prices, without constraints. */
const bare = 'prices_without_constraints';
const copies = [
  { name: 'copy into the same table', table: 'prices', goal: 1 / 4 },
  { name: 'copy, no constraints', table: bare, goal: 1.5 },
] as const;

export async function measureTable(
  rates: RatesProgram,
  options: TableOptions,
  onStep: (step: string) => void,
): Promise<TableMeasured> {
  const { rows, rounds, hasIndex, file, tool } = options;
  const { warehouse, program, app } = rates;
  await prepareTables(rates, hasIndex);
  const url = `${program.url}${app.bulk?.path}`;
  const batches: Turn[] = [];
  const copied: Turn[][] = copies.map(() => []);
  let peakRssBytes: number | undefined;
  for (let round = 0; round < rounds; round++) {
    onStep(`batches of ${rows}, ${hasIndex ? 'with' : 'without'} the index, round ${round + 1} of ${rounds}`);
    await forgetPeak(program.pid);
    const send = () => sendBatch(url, file, `${rows}-${hasIndex}-${round}`);
    batches.push(await takeTurn(rates, { table: 'prices', rows }, send));
    const peak = (await readMemory(program.pid))?.peakRssBytes;
    if (peak !== undefined) peakRssBytes = Math.max(peak, peakRssBytes ?? 0);
    for (const [i, { table }] of copies.entries()) {
      const copy = () => copyFile(warehouse, tool, { file, target: `${table} ${columns}`, format: 'csv' });
      copied[i]?.push(await takeTurn(rates, { table, rows }, copy));
    }
  }
  const ways = [wayOf('batch over HTTP', batches), ...copies.map((copy, i) => ofCopy(copy, copied[i] ?? [], batches))];
  return { rows, rounds, hasIndex, ways, peakRssBytes };
}

async function prepareTables({ warehouse: { pool }, app }: RatesProgram, hasIndex: boolean): Promise<void> {
  const indexes = app.dataset?.tables.find(({ name }) => name === 'prices')?.indexes ?? {};
  for (const [name, definition] of Object.entries(indexes)) {
    await pool.query(`DROP INDEX IF EXISTS ${name}`);
    if (hasIndex) await pool.query(`CREATE INDEX ${name} ON prices ${definition}`);
  }
  await pool.query(`DROP TABLE IF EXISTS ${bare}; CREATE TABLE ${bare} (LIKE prices INCLUDING INDEXES)`);
}

async function takeTurn(
  { warehouse: { pool }, program, postgresPid }: RatesProgram,
  { table, rows }: { readonly table: string; readonly rows: number },
  take: () => Promise<number>,
): Promise<Turn> {
  await pool.query('CHECKPOINT');
  const postgres = await FamilyCpu.begin(postgresPid);
  const before = await readCpu(program.pid);
  const seconds = await take();
  const programSeconds = (await readCpu(program.pid)) - before;
  const postgresSeconds = await postgres.end();
  const { rows: counted } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  await pool.query(`TRUNCATE ${table}`);
  if (Number(counted[0]?.count) !== rows) throw new Error(`${table} has ${counted[0]?.count} rows of ${rows}`);
  return { seconds, programMicros: (programSeconds / rows) * 1e6, postgresMicros: (postgresSeconds / rows) * 1e6 };
}

/** 0 where it cannot be read. */
function readCpu(pid: number): Promise<number> {
  return readCpuSeconds(pid).catch(() => 0);
}

function ofCopy({ name, goal }: (typeof copies)[number], turns: readonly Turn[], batches: readonly Turn[]): Way {
  const batchIs = median(turns.map(({ seconds }, i) => (batches[i]?.seconds ?? Number.NaN) / seconds));
  return { ...wayOf(name, turns), programMicros: undefined, batchIs, goal, met: batchIs <= goal };
}

function wayOf(name: string, turns: readonly Turn[]): Way {
  const seconds = turns.map((turn) => turn.seconds);
  return {
    name,
    p50Seconds: median(seconds),
    slowestSeconds: Math.max(...seconds),
    programMicros: median(turns.map(({ programMicros }) => programMicros)),
    postgresMicros: median(turns.map(({ postgresMicros }) => postgresMicros)),
    batchIs: undefined,
    goal: undefined,
    met: true,
  };
}
