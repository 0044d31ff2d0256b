/** `tributary warehouse`: what an administrator of the PostgreSQL server needs to know. */
import { schemaIn } from '../config/environment.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { Fault } from '../errors.ts';
import { addMigrations } from './migrations.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { writeLine } from './output.ts';
import { pipelinesOf } from '../pipeline/apps.ts';

interface GrantsOptions extends ConfigOptions {
  readonly role?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly prepared?: true;
  readonly months?: Months;
}

interface Months {
  readonly from: string;
  readonly to: string;
}

/** A century, which nobody means who asks for more. */
const maxMonths = 1_200;

export function addWarehouse(program: Command): void {
  const group = program.command('warehouse').description('the PostgreSQL server that events land in');
  group.addHelpText('after', examples('tributary warehouse grants --role ingest --database lake'));
  withConfig(group.command('grants'))
    .description('print the SQL that gives a role exactly what the systems of the configuration need')
    .option('--role <name>', 'which is there (default: the user of DATABASE_URL)')
    .option('--database <name>', 'in which the SQL is run (default: that of DATABASE_URL)')
    .option('--schema <name>', 'for the tables; made where it is missing (default: public, or that of --env)')
    .option('--prepared', 'the SQL makes the tables too, and the role may not')
    .option('--months <from..to>', 'with --prepared: which partitions (default: this month and twelve more)', months)
    .addHelpText(
      'after',
      examples(
        'tributary warehouse grants --role ingest --database lake | psql -v ON_ERROR_STOP=1 lake',
        'tributary warehouse grants --role ingest --database lake --schema events',
        'tributary warehouse grants --prepared --months 2026-01..2027-12',
      ),
    )
    .action(grants);
  addMigrations(group);
}

async function grants(options: GrantsOptions): Promise<void> {
  if (options.months && !options.prepared) throw new Fault('USAGE', '--months goes with --prepared');
  const config = configOf(options);
  const [{ loadApps }, { grantStatements }, { datasetGrants }, { bulkGrants }, { placeOf }] = await Promise.all([
    import('../engine/load-apps.ts'),
    import('../sinks/postgres/grants.ts'),
    import('../dataset/dataset-grants.ts'),
    import('../sources/bulk/bulk-grants.ts'),
    import('../stores/warehouse/server-warehouse.ts'),
  ]);
  const url = config.databaseUrl === undefined ? undefined : placeOf(config.databaseUrl);
  const apps = await loadApps(config);
  const pipelines = pipelinesOf(apps);
  const tables = pipelines.flatMap(({ sinks }) => sinks).filter((sink) => sink.kind !== 'objects');
  const role = named('role', options.role ?? url?.user);
  const database = named('database', options.database ?? url?.database);
  const ofEnvironment = schemaIn(config.databaseUrl ?? '');
  const statements = grantStatements({
    role,
    database,
    schema: named('schema', options.schema ?? ofEnvironment ?? 'public'),
    isSchemaNamed: options.schema === undefined && ofEnvironment !== undefined,
    tables,
    hasMigrations: pipelines.some(({ migrations }) => migrations !== undefined),
    hasState: config.kafkaBrokers !== undefined,
    ...(options.prepared && { months: options.months ?? nextYear(new Date()) }),
  });
  const datasets = options.prepared ? apps.flatMap(({ dataset }) => dataset ?? []) : [];
  const bulks = apps.flatMap(({ bulk }) => bulk ?? []);
  const ofApps = [
    ...datasets.flatMap((dataset) => datasetGrants(dataset, role)),
    ...bulkGrants({ role, database, bulks, isPrepared: options.prepared ?? false }),
  ];
  await writeLine(['BEGIN', ...statements, ...ofApps, 'COMMIT'].map((statement) => `${statement};`).join('\n'));
}

function named(option: string, value: string | undefined): string {
  if (value === undefined) throw new Fault('USAGE', `neither --${option} nor DATABASE_URL says which ${option}`);
  if (value !== '' && !value.includes('\0')) return value;
  throw new Fault('USAGE', `--${option} is no name that PostgreSQL takes`);
}

function nextYear(now: Date): Months {
  const month = now.toISOString().slice(5, 7);
  const year = now.getUTCFullYear();
  return { from: `${year}-${month}`, to: `${year + 1}-${month}` };
}

function months(text: string): Months {
  const { from = '', to = '' } = /^(?<from>\d{4}-\d\d)\.\.(?<to>\d{4}-\d\d)$/.exec(text)?.groups ?? {};
  const areMonths = [from, to].every((month) => /^(?!0000)\d{4}-(0[1-9]|1[0-2])$/.test(month));
  const count = countOf(to) - countOf(from) + 1;
  if (areMonths && count >= 1 && count <= maxMonths) return { from, to };
  throw new InvalidArgumentError(`Expected months such as 2026-01..2027-12, at most ${maxMonths}.`);
}

/** Months since the year 0. */
function countOf(month: string): number {
  const [year, number] = month.split('-').map(Number);
  return Number(year) * 12 + Number(number);
}
