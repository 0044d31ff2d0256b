/** `tributary compact`: the many small objects that a pipeline has landed become few large ones. */
import type { Command } from 'commander';
import { Fault } from '../errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { pipelinesOf } from '../pipeline/apps.ts';
import type { CompactionResult } from '../sinks/objects/compaction/compact-objects.ts';
import { byteSize } from './byte-size.ts';
import { interrupted, onInterrupt } from './interrupt.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { tell, writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';

interface CompactOptions extends ConfigOptions {
  readonly targetBytes: number;
  readonly prefix: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** What query engines like to read at once. */
const defaultTargetBytes = 128 * 1024 * 1024;

export function addCompact(program: Command): void {
  withConfig(program.command('compact'))
    .description('merge the many small objects that a pipeline has landed into few large ones, prefix by prefix')
    .argument('<pipeline>')
    .option('--prefix <text>', 'only keys that begin so', '')
    .option('--target-bytes <n>', 'of a merged object, at most', wholeNumber(1), defaultTargetBytes)
    .option('--dry-run', 'only say what would be merged')
    .option('--json', 'as a JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary compact lake --dry-run',
        'tributary compact lake',
        'tributary compact lake --prefix events/event_type=click/ --target-bytes 33554432',
      ),
    )
    .action(compact);
}

async function compact(name: string, options: CompactOptions): Promise<void> {
  const config = configOf(options);
  const [{ compactInEngine }, { loadApps }] = await Promise.all([
    import('../engine/compact.ts'),
    import('../engine/load-apps.ts'),
  ]);
  const pipeline = namedPipeline(pipelinesOf(await loadApps(config)), name);
  const { targetBytes, prefix: start, dryRun = false } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  onInterrupt(['SIGINT', 'SIGTERM'], () => stopping.abort(new Error('interrupted')));
  const result = await compactInEngine(config, {
    pipeline,
    targetBytes,
    start,
    dryRun,
    onMerged: showProgress(),
    signal,
  });
  clearProgress();
  const { prefixes, ...counts } = result;
  if (options.json) await writeLine(JSON.stringify({ pipeline: name, dryRun, ...counts, prefixes }));
  else if (prefixes.length > 0) await writeLine(asTable(result));
  tellOf(result, name, dryRun);
  if (!signal.aborted) return;
  tell(`Interrupted. What was merged is merged: tributary compact ${name} goes on from there.`);
  process.exitCode = interrupted;
}

/** @throws Fault USAGE */
function namedPipeline(pipelines: readonly Pipeline[], name: string): Pipeline {
  const landing = pipelines.filter(({ sinks }) => sinks.some(({ kind }) => kind === 'objects'));
  const found = landing.find((pipeline) => pipeline.name === name);
  if (found) return found;
  const known = landing.map((pipeline) => pipeline.name).join(', ');
  throw new Fault('USAGE', `there is no pipeline ${JSON.stringify(name)} that lands objects; those that do: ${known}`);
}

function showProgress(): (objects: number) => void {
  let merged = 0;
  return (objects) => {
    merged += objects;
    if (process.stderr.isTTY) process.stderr.write(`\r${merged} objects merged\u001B[K`);
  };
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
}

function tellOf({ prefixes, found, others, givenUp, resumed }: CompactionResult, name: string, dryRun: boolean): void {
  const objects = prefixes.reduce((sum, one) => sum + one.objects, 0);
  const into = prefixes.reduce((sum, one) => sum + one.into, 0);
  const word = dryRun ? 'would become' : 'have become';
  if (resumed) tell('Ended a merge that had been interrupted.');
  if (objects === 0) tell(`Nothing is to be merged in ${found} objects of ${name}.`);
  else tell(`${objects} objects of ${found} ${word} ${into}.${dryRun ? ' Without --dry-run they do.' : ''}`);
  if (others > 0) tell(`${others} other objects beside them were left alone: ${name} has not named them so.`);
  if (givenUp > 0)
    tell(`${givenUp} merges were given up: somebody has removed objects meanwhile. Nothing of them was changed.`);
}

function asTable({ prefixes }: CompactionResult): string {
  return renderTable(
    [{ title: 'prefix' }, ...['objects', 'into', 'size'].map((title) => ({ title, align: 'right' as const }))],
    prefixes.map(({ prefix, objects, into, bytes }) => [prefix, String(objects), String(into), byteSize(bytes)]),
    outputWidth(),
  );
}
