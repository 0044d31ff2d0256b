/** `tributary status`: health, lag, rates, queue and disk in one table; again every second on a terminal, once elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { Fault, isFault } from '../errors.ts';
import { examples } from './options.ts';
import { write, writeLine } from './output.ts';
import { type ServerOptions, withServer } from './server/reach-server.ts';
import { ratesBetween } from './status/rates.ts';
import { readStatus, type Status } from './status/read-status.ts';
import { Screen } from './status/screen.ts';
import { statusJson, statusTable } from './status/show-status.ts';
import { outputWidth } from './table.ts';
import { visible, visibleJson } from './visible.ts';

interface StatusOptions extends ServerOptions {
  readonly json?: true;
}

const refreshEveryMs = 1_000;

export function addStatus(program: Command): void {
  withServer(program.command('status'))
    .description('health, lag, rates, queue and disk; on a terminal again every second until Ctrl-C')
    .option('--json', 'once, as a JSON object')
    .addHelpText('after', examples('tributary status', 'tributary status --json | jq .disk.freeBytes'))
    .action(status);
}

async function status(options: StatusOptions): Promise<void> {
  if (process.stdout.isTTY && !options.json) return watch(options);
  const before = await readStatus(options);
  await sleep(refreshEveryMs); // a rate takes two looks
  const now = await readStatus(options);
  const rates = ratesBetween(before, now);
  await writeLine(options.json ? visibleJson(JSON.stringify(statusJson(now, rates))) : statusTable(now, rates));
  if (now.ready === false) process.exitCode = 1;
}

/**
 * Until Ctrl-C, which ends every command with 130. A server that does not answer is told in place, above what it said last, and
 * asked again: that is when somebody looks.
 */
async function watch(options: StatusOptions): Promise<never> {
  const screen = new Screen();
  process.stdout.on('resize', () => screen.resized());
  let table = '';
  for (let before: Status | undefined; ; await sleep(refreshEveryMs)) {
    let notice = '';
    try {
      const now = await readStatus(options);
      table = `${statusTable(now, ratesBetween(before, now), outputWidth())}\n`;
      before = now;
    } catch (error) {
      if (!isPassing(error, before !== undefined)) throw error;
      notice = noticeLine(error, outputWidth());
    }
    await write(screen.frame(`${notice}${table}`.trimEnd(), process.stdout.rows));
  }
}

/** What the first look meets is wrong usage more often than a server that restarts, but for one that is there and says nothing. */
function isPassing(error: unknown, hasSeen: boolean): error is Fault {
  return isFault(error, 'SERVER_SILENT') || (hasSeen && error instanceof Fault);
}

function noticeLine(fault: Fault, maxWidth = Infinity): string {
  const line = `${new Date().toISOString().slice(11, 19)}Z ${visible(fault.message)}; asked again every second`;
  return `${line.slice(0, maxWidth)}\n`;
}
