/** `tributary lag`: how far each consumer is behind the log, also beside a running `start`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Consumer } from '../processing/consumer.ts';
import type { LagRow } from '../processing/lag.ts';
import type { Config } from '../config/config.ts';
import { duration } from './duration.ts';
import {
  askForLooks,
  filesTable,
  type LooksByPipeline,
  looksOf,
  notTakenLines,
  readTold,
  type ToldByPipeline,
  waitForLooks,
} from './lag/files.ts';
import { type ConfigOptions, configOf, examples, positiveNumber, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';
import { outputWidth, renderTable } from './table.ts';
import { visible, visibleJson } from './visible.ts';
import { pipelinesOf } from '../pipeline/apps.ts';

interface LagOptions extends ConfigOptions {
  readonly wait?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly json?: true;
}

type Read = (consumers: readonly Consumer[]) => Promise<readonly LagRow[]>;

const pollEveryMs = 100;

export function addLag(program: Command): void {
  withConfig(program.command('lag'))
    .description('how far each consumer is behind')
    .option('--wait', 'end when everything that is in the log or in directories now has landed, and replays are done')
    .option('--timeout <seconds>', 'with --wait: exit code 1 when it takes longer', positiveNumber)
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary lag', 'tributary lag --wait --timeout 60 && tributary sql "..."'))
    .action(lag);
}

async function lag(options: LagOptions): Promise<void> {
  const config = configOf(options);
  const [{ openEngineReader }, { consumersOf }, { loadApps }, { readLag }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../engine/landing.ts'),
    import('../engine/load-apps.ts'),
    import('../processing/lag.ts'),
  ]);
  const pipelines = pipelinesOf(await loadApps(config));
  const consumers = consumersOf(pipelines);
  const reader = await openEngineReader(config);
  try {
    const looks = looksOf(reader, pipelines);
    const read: Read = (some) => readLag(reader, some);
    const untilMs = performance.now() + (options.timeout ?? Infinity) * 1000;
    const lateFiles = options.wait && (await waitForFiles(config, looks, untilMs));
    const late = (options.wait && (await waitForAll(read, consumers, untilMs))) ?? lateFiles;
    const rows = await read(consumers);
    const told = await readTold(looks);
    await writeLine(options.json ? visibleJson(JSON.stringify(withFiles(rows, told))) : asTables(rows, looks, told));
    if (late === undefined) return;
    tell(errorLine(`not caught up after ${options.timeout} s: ${late}.`));
    process.exitCode = 1;
  } finally {
    await reader.close();
  }
}

/** What was in directories is in the log then. Answers as `waitForAll`. */
async function waitForFiles(config: Config, looks: LooksByPipeline, untilMs: number): Promise<string | undefined> {
  if (looks.size === 0) return undefined;
  const asked = await askForLooks(config);
  if (!asked) {
    tell(`Files of ${[...looks.keys()].join(', ')} are not waited for: no server runs on ${config.dataDir}.`);
    return undefined;
  }
  const late = await waitForLooks(looks, asked, { untilMs, onWaiting: (files) => showProgress(files, 'files') });
  for (const line of notTakenLines(await readTold(looks), asked)) tell(visible(line));
  return late;
}

/**
 * Waits until everything that the log held when it was asked has landed; what producers send meanwhile is not waited for.
 * Consumers in their order: the ends of dead-letter topics count from when the processors that fill them have caught up.
 * A processor that has yet to open its sinks has not caught up: it may go back.
 * @returns what has not come about in time, in words
 */
async function waitForAll(read: Read, consumers: readonly Consumer[], untilMs: number): Promise<string | undefined> {
  for (const consumer of consumers) {
    const ends = (await read([consumer])).map(({ end }) => end);
    for (;;) {
      const rows = await read([consumer]);
      const left = rows.reduce(
        (sum, { committed, toReplay }, i) => sum + Math.max(0, (ends[i] ?? 0) - committed) + toReplay,
        0,
      );
      const isKnown = !rows.some(({ isOpening }) => isOpening);
      showProgress(left, 'records');
      if (left === 0 && isKnown) break;
      if (performance.now() >= untilMs)
        return isKnown ? `${left} records are left` : `the sinks of ${consumer.name} have not been opened yet`;
      await sleep(Math.min(pollEveryMs, Math.max(1, untilMs - performance.now())));
    }
  }
  return undefined;
}

function showProgress(left: number, what: 'files' | 'records'): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(left === 0 ? '\r\u001B[K' : `\r${left} ${what} to go\u001B[K`);
}

/** What is told of a pipeline's files stands in each row of its processor. */
function withFiles(rows: readonly LagRow[], told: ToldByPipeline): readonly object[] {
  return rows.map((row) => {
    const files = told.get(row.consumer);
    if (!files) return row;
    const { isListed, waiting, passedOver } = files;
    return { ...row, files: { waiting, isListed, passedOver } };
  });
}

function asTables(rows: readonly LagRow[], looks: LooksByPipeline, told: ToldByPipeline): string {
  const files = filesTable(looks, told, outputWidth());
  return files === '' ? asTable(rows) : `${asTable(rows)}\n\n${files}`;
}

function asTable(rows: readonly LagRow[]): string {
  const titles = ['partition', 'committed', 'end', 'lag', 'behind', 'to replay'];
  return renderTable(
    [{ title: 'consumer' }, { title: 'topic' }, ...titles.map((title) => ({ title, align: 'right' as const }))],
    rows.map((row) => [
      row.consumer,
      row.topic,
      ...[row.partition, row.committed, row.end, row.lag].map(String),
      row.isOpening ? 'opening' : duration(row.behindMs),
      row.replayStopped === undefined ? String(row.toReplay) : 'stopped',
    ]),
    outputWidth(),
  );
}
