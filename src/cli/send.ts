/** `tributary send`: the events of a file to a receiver of packages, or its requests each to its endpoint, until each is acknowledged. */
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { Pool } from 'undici';
import { Fault } from '../errors.ts';
import { interrupted, onInterrupt } from './interrupt.ts';
import {
  type ConfigOptions,
  type SizeRange,
  configOf,
  examples,
  positiveNumber,
  sizeRange,
  wholeNumber,
  withConfig,
} from './options.ts';
import { tell, writeLine } from './output.ts';
import { configuredUrl, keyHeaders, ownServerTls } from './server/own-server.ts';
import { errorLine } from './report-error.ts';
import { envelopeAt, openParcels, type Parcels } from './send/open-parcels.ts';
import { noAnswerHint } from './send/no-answer.ts';
import { type SendProgress, createProgress } from './send/progress.ts';
import { type Line, readLines } from './send/read-lines.ts';
import { type Sent, Sender } from './send/sender.ts';
import { visible } from './visible.ts';

interface SendOptions extends ConfigOptions {
  readonly to?: string;
  readonly packageSize: SizeRange;
  readonly rate?: number;
  readonly concurrency?: number;
  readonly json?: true;
}

const MiB = 1024 * 1024;
/** Half of what a receiver takes by default. */
const maxPackageBytes = 16 * MiB;
/** Unless the command line says another number. */
const concurrencies = { packages: 8, requests: 64 } as const;
const maxLineBytes = 64 * MiB;
const requestTimeoutMs = 30_000;
const giveUpAfterMs = 120_000;
const shownProblems = 10;

export function addSend(program: Command): void {
  withConfig(program.command('send'))
    .description(
      'send events in packages, or requests one by one, and again what was not acknowledged; TRIBUTARY_KEY is the access key',
    )
    .argument('<file>', 'one JSON event, or request, a line; - for standard input')
    .option(
      '--to <url>',
      'where packages go; requests, to their paths there (default: /collect of the configured host and port)',
    )
    .addOption(
      new Option('--package-size <range>', 'events in a package, at random')
        .argParser(sizeRange)
        .default({ min: 1, max: 500 }, '1..500'),
    )
    .option('--rate <n>', 'events or requests a second (default: as fast as they are taken)', positiveNumber)
    .option(
      '--concurrency <n>',
      `under way at a time (default: ${concurrencies.packages} packages, ${concurrencies.requests} requests)`,
      wholeNumber(1),
    )
    .option('--json', 'the summary as a JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary send events.json --to http://localhost:8000/collect',
        'tributary send events.json --package-size 1..10 --rate 5000',
        'tributary generate collect | tributary send - --json',
        'tributary generate signals | tributary send - --to http://localhost:8000',
        'tributary generate lake | tributary send - --to http://localhost:8000/webhook/events',
      ),
    )
    .action(send);
}

async function send(file: string, options: SendOptions): Promise<void> {
  const config = configOf(options);
  const url = targetUrl(options.to ?? `${configuredUrl(config)}/collect`);
  const input = await openInput(file);
  const pool = new Pool(url.origin, {
    connections: options.concurrency ?? concurrencies.requests,
    headersTimeout: requestTimeoutMs,
    bodyTimeout: requestTimeoutMs,
    connect: options.to === undefined ? ownServerTls(config) : {},
  });
  const interruption = new AbortController();
  onInterrupt(['SIGINT', 'SIGTERM'], () => interruption.abort());
  const progress = createProgress(input.totalBytes);
  const problems = createProblems(progress);
  let hint: Promise<void> | undefined;
  const sender = new Sender({
    target: { pool, url, headers: keyHeaders(config) },
    rate: options.rate,
    giveUpAfterMs,
    signal: interruption.signal,
    onRefused: ({ firstLine, lastLine }, reason) =>
      problems.add(`${input.name}:${firstLine === lastLine ? firstLine : `${firstLine}-${lastLine}`}: ${reason}`),
    onTrouble: (reason, hasAnswered) => {
      progress.trouble(visible(reason));
      if (!hasAnswered) hint ??= noAnswerHint(config, url, giveUpAfterMs).then((text) => progress.say(text));
    },
    onAcknowledged: ({ events, inputBytes }) => progress.add(events, inputBytes),
  });
  const packing = {
    size: options.packageSize,
    envelope: options.to === undefined ? undefined : await envelopeAt(url.pathname, config),
    maxBytes: maxPackageBytes,
    onBadLine: ({ number }: Line, reason: string) => problems.skip(`${input.name}:${number}: ${reason}`),
  };
  let kind: Parcels['kind'] = 'packages';
  interruption.signal.addEventListener('abort', () => input.stream.destroy());
  try {
    const found = await openParcels(readLines(input.stream, maxLineBytes), config, packing);
    ({ kind } = found);
    await sender.send(found.parcels, options.concurrency ?? concurrencies[kind]);
  } catch (error) {
    if (!interruption.signal.aborted) problems.add(`${input.name}: ${(error as Error).message}`);
  }
  input.stream.destroy();
  await hint;
  progress.stop();
  await pool.destroy();
  if (sender.stopReason !== undefined) problems.add(`stopped: ${sender.stopReason}`);
  problems.end();
  await printSummary(kind, { ...sender.sent, skippedLines: problems.skipped }, { json: options.json, url });
  if (interruption.signal.aborted) process.exitCode = interrupted;
  else if (problems.count > 0 || sender.sent.notAcknowledged > 0) process.exitCode = 1;
}

function targetUrl(given: string): URL {
  if (URL.canParse(given)) {
    const url = new URL(given);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new Fault('USAGE', `--to: expected a URL such as http://localhost:8000/collect, got ${JSON.stringify(given)}`);
}

interface Input {
  readonly name: string;
  readonly stream: AsyncIterable<Buffer> & { destroy(): unknown };
  /** Undefined where it is not known: standard input, pipes. */
  readonly totalBytes: number | undefined;
}

async function openInput(file: string): Promise<Input> {
  if (file === '-') return { name: 'standard input', stream: process.stdin, totalBytes: undefined };
  const readable = access(file, constants.R_OK).then(() => stat(file));
  const found = await readable.catch((error: NodeJS.ErrnoException) => {
    throw new Fault('USAGE', `${file} cannot be read (${error.code})`);
  });
  if (found.isDirectory()) throw new Fault('USAGE', `${file} is a directory; send takes a file`);
  const totalBytes = found.isFile() ? found.size : undefined;
  return { name: file, stream: createReadStream(file, { highWaterMark: MiB }), totalBytes };
}

/** The first problems in words, the rest as a number. */
function createProblems(progress: SendProgress) {
  return {
    count: 0,
    skipped: 0,
    add(text: string): void {
      this.count += 1;
      if (this.count <= shownProblems) progress.say(errorLine(visible(text)));
    },
    skip(text: string): void {
      this.skipped += 1;
      this.add(text);
    },
    end(): void {
      if (this.count > shownProblems) tell(errorLine(`and ${this.count - shownProblems} more of the kind.`));
    },
  };
}

async function printSummary(
  kind: Parcels['kind'],
  summary: Sent & { readonly skippedLines: number },
  { json, url }: { readonly json: true | undefined; readonly url: URL },
): Promise<void> {
  if (json) return writeLine(JSON.stringify(summary));
  const { events, packages, accepted, rejected, resent, notAcknowledged, skippedLines } = summary;
  const rest = skippedLines === 0 ? '' : `, ${skippedLines} lines left out`;
  const took = `in ${summary.seconds} s (${summary.eventsPerSecond}`;
  await writeLine(
    kind === 'requests'
      ? `Sent ${events} requests ${took} a second): ${accepted} accepted, ${notAcknowledged} not acknowledged, ${resent} resent${rest}.`
      : `Sent ${events} events in ${packages} packages ${took} events/s): ` +
          `${accepted} accepted, ${rejected} rejected, ${notAcknowledged} not acknowledged, ${resent} packages resent${rest}.`,
  );
  if (rejected > 0 && accepted === 0)
    tell(`${url.href} took none of them: where they are events of another system, --to names its path.`);
  if (rejected > 0) tell('What was rejected is kept as dead letters; tributary dead-letters list --count tells why.');
}
