/**
 * `tributary bench <system>`: its throughput, latency and memory as ratios to yardsticks. The benchmark is in the
 * repository only, as it needs what a published package does not have: a clone says what this finds.
 */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Command, Option } from 'commander';
import type { App } from '../pipeline/app.ts';
import { inPackage } from '../config/package-root.ts';
import { Fault } from '../errors.ts';
import { configOf, examples, wholeNumber } from './options.ts';
import { tell, writeLine } from './output.ts';
import { outputWidth } from './table.ts';

interface BenchCommandOptions {
  readonly engine: Engine;
  readonly only?: string;
  readonly rows?: number;
  readonly events?: number;
  readonly quick?: true;
  readonly json?: true;
}

/** What the command needs of `bench/bench.ts` and `bench/tables.ts`, which no published code can import. */
interface BenchModules {
  readonly bench: (options: object) => Promise<{ readonly passed: boolean }>;
  readonly asTables: (result: object, width: number | undefined) => string;
}

type Engine = 'embedded' | 'cluster';

/** By the source of the system, packages in envelopes apart; of one that has batches in place of a source; and of what it pulls beside. */
const parts: Readonly<
  Record<'http' | 'envelopes' | 'requests' | 'files' | 'bulk' | 'pulls', Readonly<Record<Engine, readonly string[]>>>
> = {
  http: { embedded: ['ingest', 'landing', 'memory'], cluster: ['ingest', 'landing', 'nodes'] },
  envelopes: { embedded: ['ingest', 'models'], cluster: [] },
  requests: { embedded: ['requests', 'views'], cluster: ['requests'] },
  files: { embedded: ['files'], cluster: [] },
  bulk: { embedded: ['batches', 'reads'], cluster: [] },
  pulls: { embedded: ['pulls'], cluster: [] },
};

const allParts = new Set(Object.values(parts).flatMap((of) => Object.values(of).flat()));

export function addBench(program: Command): void {
  program
    .command('bench')
    .description(
      'measure throughput, latency and memory beside yardsticks; takes minutes, and a machine with nothing else to do',
    )
    .argument('<system>', 'such as collect')
    .addOption(
      new Option('--engine <engine>', 'cluster: on Kafka, S3 and PostgreSQL, which it starts')
        .choices(['embedded', 'cluster'] satisfies Engine[])
        .default('embedded'),
    )
    .addOption(
      new Option(
        '--only <part>',
        'one part: memory, views, batches, reads, files, pulls and models with embedded, nodes with cluster, the others with both',
      ).choices([...allParts]),
    )
    .option(
      '--rows <n>',
      'that landing lands (default: 500000), of a batch (default: 50000, then 1000000), that are read among (default: 1000000), files (default: 1000000), items that are pulled (default: 200000), or sessions that models are built from (default: 10000000)',
      wholeNumber(1),
    )
    .option(
      '--events <n>',
      'that come in while PostgreSQL stands still (default: 2000000), or that views are made of (default: 10000000)',
      wholeNumber(1),
    )
    .option('--quick', 'seconds in place of minutes: shows that it runs, and judges no goal')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      examples(
        'tributary bench collect',
        'tributary bench collect --only landing --rows 1000000 --json',
        'tributary bench collect --engine cluster --only ingest',
        'tributary bench signals --only views --events 1000000',
        'tributary bench rates --only batches --rows 10000000',
        'tributary bench cards --rows 100000',
        'tributary bench lake --only pulls',
        'tributary bench lake --only models --rows 1000000',
      ),
    )
    .action(run);
}

async function run(system: string, options: BenchCommandOptions): Promise<void> {
  const { bench, asTables } = await loadBench();
  const { engine, rows, events, only, quick = false } = options;
  const { loadApps } = await import('../engine/load-apps.ts');
  const apps = await loadApps({ ...configOf({}), only: [system] }); // told before anything is measured
  const known = apps.flatMap(kindsOf).flatMap((kind) => parts[kind][engine]);
  if (known.length === 0) throw new Fault('USAGE', `there is nothing to measure of ${system} with --engine ${engine}`);
  if (only !== undefined && !known.includes(only))
    throw new Fault('USAGE', `${system} with --engine ${engine} has no part ${only}, but ${known.join(', ')}`);
  const result = await bench({ system, engine, only, quick, rows, events, onStep: tell });
  await writeLine(options.json ? JSON.stringify(result) : asTables(result, outputWidth()));
  if (!result.passed) process.exitCode = 1;
}

function kindsOf({ pipeline, bulk, pulls }: App): readonly (keyof typeof parts)[] {
  if (!pipeline) return bulk ? ['bulk'] : [];
  const { source } = pipeline;
  if (source.kind === 'http' && source.envelope) return pulls ? ['envelopes', 'pulls'] : ['envelopes'];
  return [source.kind];
}

/** @throws Fault USAGE where there is none */
async function loadBench(): Promise<BenchModules> {
  const modules = ['bench/bench.ts', 'bench/tables.ts'].map(inPackage);
  if (!modules.every((path) => existsSync(path)))
    throw new Fault('USAGE', 'benchmarks run in a clone of the repository only, and this is an installed package');
  const [bench, tables] = await Promise.all(modules.map((path) => import(pathToFileURL(path).href)));
  return { ...bench, ...tables } as BenchModules;
}
