/** `tributary lag`: how far each consumer is behind the log, also beside a running `start`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { LagRow } from '../processing/lag.ts';
import { type ConfigOptions, configOf, examples, positiveNumber, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';
import { outputWidth, renderTable } from './table.ts';

interface LagOptions extends ConfigOptions {
  readonly wait?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly json?: true;
}

const pollEveryMs = 100;

export function addLag(program: Command): void {
  withConfig(program.command('lag'))
    .description('how far each consumer is behind')
    .option('--wait', 'end when all have caught up')
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
  const consumers = consumersOf((await loadApps(config)).map(({ pipeline }) => pipeline));
  const reader = await openEngineReader(config);
  try {
    const read = () => readLag(reader, consumers);
    const rows = options.wait ? await untilCaughtUp(read, options.timeout) : await read();
    await writeLine(options.json ? JSON.stringify(rows) : asTable(rows));
    if (!options.wait || caughtUp(rows)) return;
    tell(errorLine(`not caught up after ${options.timeout} s: ${behind(rows)} records are left.`));
    process.exitCode = 1;
  } finally {
    await reader.close();
  }
}

async function untilCaughtUp(
  read: () => Promise<readonly LagRow[]>,
  timeoutSeconds: number | undefined,
): Promise<readonly LagRow[]> {
  const untilMs = performance.now() + (timeoutSeconds ?? Infinity) * 1000;
  for (;;) {
    const rows = await read();
    const left = process.stderr.isTTY ? `\r${behind(rows)} records to go\u001B[K` : '';
    process.stderr.write(left);
    if (caughtUp(rows) || performance.now() >= untilMs) {
      if (left !== '') process.stderr.write('\r\u001B[K');
      return rows;
    }
    await sleep(Math.min(pollEveryMs, Math.max(1, untilMs - performance.now())));
  }
}

function caughtUp(rows: readonly LagRow[]): boolean {
  return behind(rows) === 0;
}

function behind(rows: readonly LagRow[]): number {
  return rows.reduce((sum, row) => sum + row.lag, 0);
}

function asTable(rows: readonly LagRow[]): string {
  return renderTable(
    [
      { title: 'consumer' },
      { title: 'topic' },
      ...['partition', 'committed', 'end', 'lag', 'behind'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows.map((row) => [
      row.consumer,
      row.topic,
      ...[row.partition, row.committed, row.end, row.lag].map(String),
      duration(row.behindMs),
    ]),
    outputWidth(),
  );
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
