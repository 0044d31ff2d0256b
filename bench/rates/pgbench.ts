/** The same statement by pgbench, prepared, on the same questions: each a script, since its variables are numbers. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createHistogram } from 'node:perf_hooks';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Asked, Question } from './asked-rates.ts';
import { firstDay } from './price-file.ts';
import type { ReadTurn } from './reads.ts';

const run = promisify(execFile);

export interface PgbenchOptions {
  readonly url: string;
  readonly question: Question;
  readonly connections: number;
  readonly seconds: number;
  readonly dir: string;
}

export async function runPgbench({ url, question, connections, seconds, dir }: PgbenchOptions): Promise<ReadTurn> {
  const own = await mkdtemp(join(dir, 'pgbench-'));
  try {
    const script = join(own, 'script.sql');
    await writeFile(script, scriptOf(question));
    const clients = ['-c', String(connections), '-j', '1', '-T', String(seconds)];
    await run('pgbench', [
      '-n',
      '-M',
      'prepared',
      ...clients,
      '-f',
      script,
      '-l',
      '--log-prefix',
      join(own, 'log'),
      url,
    ]);
    return await readLogs(own);
  } finally {
    await rm(own, { recursive: true });
  }
}

/** Regions and months are numbers in what is asked, so that chance can choose among them. */
function scriptOf({ statement, parameters, asked }: Question): string {
  const numbersOf = (key: keyof Asked) => asked.map((one) => numberIn(one[key]));
  const [origins, months] = [numbersOf('orig_code'), numbersOf('date_from')];
  const stepDays = Math.min(...months.filter((day) => day > 0));
  const stands: Readonly<Record<keyof Asked, string>> = {
    date_from: `(date '${firstDay}' + ${stepDays} * :month)`,
    date_to: `(date '${firstDay}' + ${stepDays} * :month + ${stepDays - 1})`,
    orig_code: `('region_' || :orig)`,
    dest_code: `('region_' || :dest)`,
  };
  const text = parameters.reduceRight((sql, key, i) => sql.replaceAll(`$${i + 1}`, () => stands[key]), statement);
  return [
    `\\set orig random(${Math.min(...origins)}, ${Math.max(...origins)})`,
    `\\set dest random(${Math.min(...origins)}, ${Math.max(...origins)})`,
    `\\set month random(0, ${Math.max(...months) / stepDays})`,
    `${text.replaceAll(/\s+/g, ' ')};`,
  ].join('\n');
}

/** Of `region_7`; of a day, how many after the first. */
function numberIn(text: string): number {
  const region = /^region_(\d+)$/.exec(text)?.[1];
  return region === undefined ? (Date.parse(text) - Date.parse(firstDay)) / 86_400_000 : Number(region);
}

/** `client transaction microseconds script epoch microseconds`, a line for each. */
async function readLogs(dir: string): Promise<ReadTurn> {
  const logs = (await readdir(dir)).filter((name) => name.startsWith('log'));
  const latencies = createHistogram();
  let [firstMicros, lastMicros] = [Infinity, 0];
  for (const log of logs)
    for (const line of (await readFile(join(dir, log), 'utf8')).split('\n')) {
      if (line === '') continue;
      const [, , taken = 0, , seconds = 0, micros = 0] = line.split(' ').map(Number);
      const endedMicros = seconds * 1e6 + micros;
      latencies.record(Math.max(1, taken));
      firstMicros = Math.min(firstMicros, endedMicros - taken);
      lastMicros = Math.max(lastMicros, endedMicros);
    }
  if (latencies.count === 0) throw new Error('pgbench has logged nothing');
  return {
    answered: latencies.count,
    seconds: (lastMicros - firstMicros) / 1e6,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
  };
}
