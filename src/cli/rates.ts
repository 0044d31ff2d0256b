/** `tributary rates`: the tables that the system rates reads. */
import { createReadStream } from 'node:fs';
import { randomInt } from 'node:crypto';
import { access, constants, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CopyBlock } from '../dataset/read-dump.ts';
import type { Config } from '../config/config.ts';
import { Fault, isFault } from '../errors.ts';
import type { Dataset } from '../pipeline/dataset.ts';
import { type ConfigOptions, configOf, examples, wholeNumber, withConfig } from './options.ts';
import { writeLine } from './output.ts';

interface TablesOptions {
  /** Default: a sample. */
  readonly dump?: string | undefined;
  readonly prices?: number;
  readonly seed?: string;
  readonly replace?: true;
  readonly ifMissing?: true;
}

const samplePrices = 100_000;

export function addRates(program: Command): void {
  const group = program.command('rates').description('ports, regions and prices in the warehouse');
  group.addHelpText('after', examples('tributary rates init --dump rates.sql'));
  withConfig(group.command('init'))
    .description('load the tables of rates, all or nothing, also beside a running start')
    .option('--dump <file>', 'as pg_dump writes it in its plain form (default: a sample of the same shape)')
    .option('--prices <n>', `how many the sample has (default: ${samplePrices})`, wholeNumber(0))
    .option('--seed <text>', 'the same seed gives the same sample (default: random)')
    .option('--replace', 'instead of what is there')
    .option('--if-missing', 'leave what is there, and end with 0')
    .addHelpText(
      'after',
      examples(
        'tributary rates init --dump rates.sql',
        'tributary rates init --prices 1000000 --seed 7',
        'DATABASE_URL=postgres://me@db.example/rates tributary rates init --replace',
      ),
    )
    .action(init);
}

async function init(options: TablesOptions & ConfigOptions): Promise<void> {
  if (options.dump !== undefined && (options.prices ?? options.seed) !== undefined)
    throw new Fault('USAGE', '--prices and --seed are of a sample, which --dump is not');
  if (options.replace && options.ifMissing)
    throw new Fault('USAGE', '--replace takes away what --if-missing leaves: name one of them');
  await initRates(configOf(options), options);
}

/** @throws Fault as `loadDataset`, and USAGE */
export async function initRates(config: Config, options: TablesOptions): Promise<void> {
  const [{ loadApps }, { loadDataset }, { reachWarehouse }] = await Promise.all([
    import('../engine/load-apps.ts'),
    import('../dataset/load-dataset.ts'),
    import('./sql/reach-warehouse.ts'),
  ]);
  const [app] = await loadApps({ ...config, only: ['rates'] });
  if (!app?.dataset) throw new Fault('USAGE', 'the system rates of the configuration has no tables to load');
  const { dataset, bulk } = app;
  const blocks = await blocksOf(dataset, options);
  const warehouse = await reachWarehouse(config, { make: true });
  try {
    const client = await warehouse.pool.connect();
    const batches = dataset.tables.some(({ name }) => name === bulk?.table) ? bulk?.name : undefined;
    const load = { dataset, blocks, replace: options.replace ?? false, bulk: batches };
    const counts = await loadDataset(client, load).finally(() => client.release());
    await writeLine(`Loaded ${[...counts].map(([table, rows]) => `${rows} ${table}`).join(', ')}.`);
  } catch (error) {
    if (!options.ifMissing || !isFault(error, 'WAREHOUSE_TABLE_EXISTS')) throw error;
    await writeLine(`Nothing to do: ${error.message}.`);
  } finally {
    await warehouse.close();
  }
}

async function blocksOf(dataset: Dataset, options: TablesOptions): Promise<AsyncIterable<CopyBlock>> {
  const { dump, prices: rows = samplePrices, seed = String(randomInt(2 ** 32)) } = options;
  if (dump === undefined) {
    const { sampleBlocks } = await import('../dataset/sample-blocks.ts');
    return sampleBlocks(dataset, { rows, seed });
  }
  await checkDump(dump);
  const [{ DumpLines }, { readDump }] = await Promise.all([
    import('../dataset/dump-lines.ts'),
    import('../dataset/read-dump.ts'),
  ]);
  return readDump(new DumpLines(createReadStream(dump)));
}

/** @throws Fault USAGE */
export async function checkDump(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isDirectory()) throw new Fault('USAGE', `${file} is a directory; a dump is a file`);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('USAGE', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}
