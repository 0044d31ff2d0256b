/** `tributary models`: a dbt project, built and read in the process, on DuckDB. */
import type { Command } from 'commander';
import type { ModelsOptions } from './models/open-models.ts';
import type { SampleOptions } from './models/sample.ts';
import { examples, wholeNumber, withConfig } from './options.ts';

export interface RunCommandOptions extends ModelsOptions {
  readonly fullRefresh?: true;
}

export interface ShowCommandOptions extends ModelsOptions {
  readonly limit: number;
}

export function addModels(program: Command): void {
  const models = program
    .command('models')
    .description('build and read the models of a dbt project, on DuckDB, in this process')
    .addHelpText(
      'after',
      examples(
        'tributary models sample --seed 7',
        'tributary models run',
        'tributary models run --select +top_5_prayer_types_per_age_group --vars "{entities: pulled}"',
        'tributary models test',
        'tributary models query "SELECT * FROM top_5_prayer_types_per_age_group"',
      ),
    );
  withSelection(withProject(models.command('run')))
    .description('build models and seeds, each after those that it needs')
    .option('--full-refresh', 'make incremental models anew')
    .addHelpText(
      'after',
      examples('tributary models run', 'tributary models run --select +top_5_prayer_types_per_age_group'),
    )
    .action(async (options: RunCommandOptions) => (await import('./models/run.ts')).run(options));
  withSelection(withProject(models.command('test')))
    .description('run the tests of models: exit code 1 where one fails')
    .addHelpText('after', examples('tributary models test', 'tributary models test --select stg_users --json'))
    .action(async (options: ModelsOptions) => (await import('./models/test.ts')).test(options));
  withSelection(withProject(models.command('compile')))
    .description('print the SQL of models')
    .addHelpText('after', examples('tributary models compile --select top_5_prayer_types_per_age_group'))
    .action(async (options: ModelsOptions) => (await import('./models/compile.ts')).compile(options));
  withProject(models.command('show'))
    .description('list models and what they are in the database, or show the first rows of one')
    .argument('[model]')
    .option('--limit <n>', 'of rows', wholeNumber(0), 20)
    .addHelpText('after', examples('tributary models show', 'tributary models show stg_users --limit 5'))
    .action(async (name: string | undefined, options: ShowCommandOptions) =>
      (await import('./models/show.ts')).show(name, options),
    );
  withProject(models.command('query'))
    .description('run SQL on the models, which it cannot change')
    .argument('<sql>')
    .addHelpText(
      'after',
      examples(
        'tributary models query "SELECT * FROM top_5_prayer_types_per_age_group WHERE age_group = \'65+\'" --json',
      ),
    )
    .action(async (sql: string, options: ModelsOptions) => (await import('./models/query.ts')).query(sql, options));
  withConfig(models.command('sample'))
    .description('put made-up users, content and sessions into the object store, as the CSV files that the lake reads')
    .option('--users <n>', 'how many', wholeNumber(1), 10_000)
    .option('--content <n>', 'how many', wholeNumber(1), 1000)
    .option('--sessions <n>', 'how many', wholeNumber(0), 50_000)
    .option('--seed <text>', 'the same seed gives the same files (default: random)')
    .addHelpText('after', examples('tributary models sample --users 2000 --sessions 20000 --seed 7'))
    .action(async (options: SampleOptions) => (await import('./models/sample.ts')).sample(options));
}

function withProject(command: Command): Command {
  return withConfig(command)
    .option('--project-dir <dir>', 'the dbt project (default: models, else the one of the package)')
    .option('--vars <yaml>', "variables, before those of the project, such as '{entities: pulled}'")
    .option('--json', 'one JSON value');
}

function withSelection(command: Command): Command {
  return command
    .option('--select <names...>', 'name, +name with what it needs, name+ with what needs it, tag:x, path:x')
    .option('--exclude <names...>', 'all but these');
}
