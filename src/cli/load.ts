/** `tributary load`: a file of rows into the table of a system, all or none, by its endpoint for batches. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { Agent } from 'undici';
import type { Config } from '../config/config.ts';
import { Fault, reasonOf } from '../errors.ts';
import type { Bulk } from '../pipeline/bulk.ts';
import { interrupted, onInterrupt } from './interrupt.ts';
import { type BatchFile, batchFile, keptTo, keyOf, typeOf } from './load/batch-file.ts';
import { cancelBatch, type SentBatch, watchBatch } from './load/batch-status.ts';
import { deliver } from './load/deliver.ts';
import { createLoadProgress, isWatched, type LoadProgress } from './load/load-progress.ts';
import { showEnd } from './load/show-load.ts';
import type { BatchAnswer, BatchTarget } from './load/send-batch.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { tell } from './output.ts';
import { faultOf } from './server/ask-server.ts';
import { configuredUrl, keyHeaders, ownServerTls } from './server/own-server.ts';
import { givenUrl } from './server/reach-server.ts';
import { visible } from './visible.ts';

interface LoadOptions extends ConfigOptions {
  readonly to?: string;
  readonly dryRun?: true;
  readonly key?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly json?: true;
}

export function addLoad(program: Command): void {
  withConfig(program.command('load'))
    .description('load a file of rows into the table of a system, all or none; TRIBUTARY_KEY is the access key')
    .argument('<system>', 'that takes batches, such as rates')
    .argument('<file>', 'CSV, NDJSON or a JSON array, plain or as .gz, .br or .zst; - for standard input')
    .option('--dry-run', 'check all that would be checked, and load nothing')
    .option('--key <key>', 'what goes in under one key goes in once (default: made of the bytes of the file)')
    .option('--content-type <type>', 'what the file is, such as "text/csv; header=absent" (default: as its name says)')
    .option('--content-encoding <encoding>', 'gzip, br, zstd or identity (default: as its name says)')
    .option('--to <url>', 'the running server (default: that of the configured host and port)')
    .option('--json', 'what came of it as a JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary load rates prices.csv --dry-run',
        'tributary load rates prices.csv.gz --env staging-a',
        'tributary load rates - --key 2026-11 --content-type text/csv < prices',
        'tributary load rates prices.ndjson --to https://rates.example --json',
      ),
    )
    .action(load);
}

async function load(system: string, path: string, options: LoadOptions): Promise<void> {
  const config = configOf(options);
  checkKey(options.key);
  const file = await batchFile(path);
  const bulk = await bulkOf(config, system);
  const interruption = new AbortController();
  onInterrupt(['SIGINT', 'SIGTERM'], () => interruption.abort());
  const progress = createLoadProgress(file.bytes);
  const { signal } = interruption;
  try {
    const keyedFile = await keyed(file, options, progress, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (!keyedFile) return interruptedWith('nothing was sent');
    const { key, rows } = keyedFile;
    const startedMs = performance.now();
    const answer = await send({ config, options, bulk, file: rows, key, progress, signal });
    const seconds = Math.round(performance.now() - startedMs) / 1000;
    progress.stop();
    await end(answer, { key, seconds, options, bulk });
  } finally {
    progress.stop();
  }
}

interface Run {
  readonly config: Config;
  readonly options: LoadOptions;
  readonly bulk: Bulk;
  readonly file: BatchFile;
  readonly key: string;
  readonly progress: LoadProgress;
  readonly signal: AbortSignal;
}

/** Undefined where it was interrupted, which has been told. */
async function send({ config, options, bulk, file, key, progress, signal }: Run): Promise<BatchAnswer | undefined> {
  const base = givenUrl(options.to ?? configuredUrl(config));
  const tls = options.to === undefined ? ownServerTls(config) : {};
  const agent = new Agent({ keepAliveTimeout: 1, connect: { timeout: 5_000, ...tls } });
  const batch: SentBatch = { server: { url: base, headers: keyHeaders(config), agent }, path: bulk.path, key };
  const target = targetOf(batch, options, file, tls);
  const over = new AbortController();
  const watching = isWatched() ? watchBatch(batch, progress, over.signal) : undefined;
  let others: unknown;
  const onOthers = (batchId: unknown): void => void (others = batchId);
  try {
    return await deliver({ target, file, signal, progress, onOthers });
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.stop();
    await tellInterrupted(batch, others);
    return undefined;
  } finally {
    over.abort();
    await watching;
    await agent.destroy();
  }
}

function targetOf({ server, path, key }: SentBatch, options: LoadOptions, file: BatchFile, tls: BatchTarget['tls']) {
  const named = typeOf(file.name);
  const type = options.contentType ?? named.type;
  const encoding = options.contentEncoding ?? named.encoding;
  return {
    url: new URL(`${server.url}${path}${options.dryRun ? '?dry_run=true' : ''}`),
    headers: {
      ...server.headers,
      'idempotency-key': key,
      ...(type !== undefined && { 'content-type': type }),
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    },
    tls,
  };
}

/**
 * What was sent in part is nothing; what was sent in whole is cancelled, unless it is in already.
 * @param others batch that we only wait for
 */
async function tellInterrupted(batch: SentBatch, others: unknown): Promise<void> {
  const outcome = await cancelBatch(batch, others).then(
    (status) => {
      if (status?.state === 'committed') return `too late, the batch is in (${status.batch_id})`;
      if (!status || status.batch_id !== others) return 'nothing is in';
      return `nothing was sent; another command's batch ${status.batch_id} has the key, and goes on`;
    },
    (error: unknown) =>
      `whether it is in cannot be told (${reasonOf(error)}); with --key ${batch.key} it goes in once, however often`,
  );
  interruptedWith(outcome);
}

function interruptedWith(outcome: string): void {
  process.exitCode = interrupted;
  tell(`Interrupted: ${visible(outcome)}.`);
}

interface Ended {
  readonly key: string;
  readonly seconds: number;
  readonly options: LoadOptions;
  readonly bulk: Bulk;
}

async function end(answer: BatchAnswer | undefined, { key, seconds, options, bulk }: Ended): Promise<void> {
  if (!answer) return;
  const isRejected = answer.body['error'] === 'BATCH_REJECTED';
  if (answer.status >= 300 && !isRejected) throw faultOf(bulk.path, answer.body, answer.status);
  if (isRejected) process.exitCode = 1;
  await showEnd({ answer, key, seconds, isDryRun: options.dryRun ?? false }, options.json ?? false);
}

interface Keyed {
  readonly key: string;
  readonly rows: BatchFile;
}

/** What comes through a pipe can be sent again by whoever has it, under the key that is told for it. */
async function keyed(
  file: BatchFile,
  { key, dryRun }: LoadOptions,
  progress: LoadProgress,
  signal: AbortSignal,
): Promise<Keyed> {
  if (dryRun) return { key: `dry-run-${randomUUID()}`, rows: file };
  if (key !== undefined) return { key, rows: file };
  if (file.bytes !== undefined) {
    progress.begin('reading');
    const made = await keyOf(file, (bytes) => {
      signal.throwIfAborted();
      progress.bytes(bytes);
    });
    return { key: made, rows: keptTo(file, made) };
  }
  const made = randomUUID();
  tell(`To send these rows again without loading them twice: --key ${made}`);
  return { key: made, rows: file };
}

function checkKey(key: string | undefined): void {
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return;
  throw new Fault('USAGE', '--key: expected 1 to 255 visible ASCII characters');
}

/** @throws Fault USAGE */
async function bulkOf(config: Config, system: string): Promise<Bulk> {
  const [{ loadApps }, { nameOf }] = await Promise.all([
    import('../engine/load-apps.ts'),
    import('../pipeline/apps.ts'),
  ]);
  const apps = await loadApps({ pipelines: config.pipelines });
  const takers = apps.filter(({ bulk }) => bulk);
  const found = takers.find((app) => nameOf(app) === system || app.bulk?.name === system)?.bulk;
  if (found) return found;
  const names = takers.map(nameOf).join(', ');
  throw new Fault(
    'USAGE',
    `no system ${JSON.stringify(system)} takes batches; ${names ? `these do: ${names}` : 'none does'}`,
  );
}
