/** `tributary replay`: what a pipeline has landed lands again, through the code of today, in the running server (D9). */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { PlannedReplay, ReplayUnderWay } from '../processing/replays.ts';
import { examples, positiveNumber, wholeNumber } from './options.ts';
import { tell, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';
import { ask } from './server/ask-server.ts';
import { type ReachedServer, reachServer, type ServerOptions, withServer } from './server/reach-server.ts';
import { outputWidth, renderTable } from './table.ts';
import { readStart } from './tail/start-at.ts';
import { visible } from './visible.ts';

type From = 'start' | { readonly offset: number } | { readonly time: string };

interface ReplayOptions extends ServerOptions {
  readonly from: From;
  readonly partition?: number;
  readonly dryRun?: true;
  readonly wait?: true;
  /** Seconds. */
  readonly timeout?: number;
  readonly json?: true;
}

const pollEveryMs = 200;

export function addReplay(program: Command): void {
  withServer(program.command('replay'))
    .description('land again what a pipeline has landed, through its code of today, in place of what that left')
    .argument('<pipeline>')
    .requiredOption('--from <where>', 'start, an offset, or a time such as 2026-11-20T12:00:00Z', replayFrom)
    .option('--partition <n>', 'only this one', wholeNumber(0))
    .option('--dry-run', 'only say which records')
    .option('--wait', 'end when all has landed again')
    .option('--timeout <seconds>', 'with --wait: exit code 1 when it takes longer', positiveNumber)
    .option('--json', 'as a JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary replay collect --from 2026-11-20T12:00:00Z --dry-run',
        'tributary replay collect --from start --wait',
        'tributary replay collect --from 41200 --partition 3',
      ),
    )
    .action(replay);
}

async function replay(pipeline: string, options: ReplayOptions): Promise<void> {
  const { from, partition, dryRun = false } = options;
  const server = await reachServer(options);
  const body = { pipeline, from, ...(partition !== undefined && { partition }), dryRun };
  const { replays } = (await ask(server, 'POST', '/admin/replays', body)) as { replays: readonly PlannedReplay[] };
  const begun = replays.filter((one) => one.from < one.to);
  const isDone = dryRun || !options.wait || (await waitForAll(server, pipeline, begun, options.timeout ?? Infinity));
  await writeLine(options.json ? JSON.stringify({ pipeline, dryRun, replays }) : asTable(replays));
  for (const one of replays) tellLater(one);
  const records = replays.reduce((sum, one) => sum + one.to - one.from, 0);
  if (records === 0) tell('Nothing that has landed is to land again.');
  else if (dryRun) tell(`${records} records would land again. Without --dry-run they do.`);
  else if (!options.wait) tell(`${records} records land again; tributary lag tells how many are left.`);
  else if (isDone) tell(`${records} records have been replayed.`);
  if (!isDone) process.exitCode = 1;
}

function replayFrom(text: string): From {
  const from = readStart(text);
  if (from === undefined || from === 'end')
    throw new InvalidArgumentError('Expected start, an offset, or a time such as 2026-11-20T12:00:00Z.');
  return from === 'start' || 'offset' in from ? from : { time: text };
}

/** No end of a batch is known at or before what was asked for. */
function tellLater({ topic, partition, asked, from, to }: PlannedReplay): void {
  if (asked >= from || asked >= to) return;
  const what = `offsets ${asked} to ${from} of ${topic}-${partition} do not land again`;
  tell(`${what}: the log has let go of them, or does not tell where their batches ended.`);
}

/** False where it has stopped, or takes too long, which is told. */
async function waitForAll(
  server: ReachedServer,
  pipeline: string,
  begun: readonly PlannedReplay[],
  timeoutSeconds: number,
): Promise<boolean> {
  const untilMs = performance.now() + timeoutSeconds * 1000;
  for (;;) {
    const { replays } = (await ask(server, 'GET', '/admin/replays')) as { replays: readonly ReplayUnderWay[] };
    const isWaitedFor = (one: ReplayUnderWay): boolean =>
      one.pipeline === pipeline &&
      begun.some(({ topic, partition }) => one.topic === topic && one.partition === partition);
    const underWay = replays.filter(isWaitedFor);
    const left = underWay.reduce((sum, { to, next }) => sum + to - next, 0);
    showProgress(left);
    if (underWay.length === 0) return true;
    if (underWay.every(({ stopped }) => stopped !== undefined)) {
      for (const { topic, partition, next, stopped = '' } of underWay)
        tell(errorLine(`the replay of ${topic}-${partition} stopped before offset ${next}: ${visible(stopped)}`));
      return false;
    }
    if (performance.now() >= untilMs) {
      tell(errorLine(`not done after ${timeoutSeconds} s: ${left} records are left; the server goes on.`));
      return false;
    }
    await sleep(Math.min(pollEveryMs, Math.max(1, untilMs - performance.now())));
  }
}

function showProgress(left: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(left === 0 ? '\r\u001B[K' : `\r${left} records to go\u001B[K`);
}

function asTable(replays: readonly PlannedReplay[]): string {
  return renderTable(
    [
      { title: 'topic' },
      ...['partition', 'from', 'to', 'records'].map((title) => ({ title, align: 'right' as const })),
    ],
    replays.map(({ topic, partition, from, to }) => [topic, ...[partition, from, to, to - from].map(String)]),
    outputWidth(),
  );
}
