/** `tributary sql`: a query on the warehouse, embedded or by URL, also beside a running `start`. */
import type { Command } from 'commander';
import type { DatabaseError } from 'pg';
import { Fault } from '../errors.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { pipelinesOf } from '../pipeline/apps.ts';
import { schemasOf } from '../pipeline/row-tables.ts';
import { tell, writeLine } from './output.ts';
import { errorLine } from './report-error.ts';
import { visible } from './visible.ts';

interface SqlOptions extends ConfigOptions {
  readonly json?: true;
  readonly url?: true;
}

export function addSql(program: Command): void {
  withConfig(program.command('sql'))
    .description('run SQL on the warehouse')
    .argument('[query]', 'one or more statements')
    .option('--json', 'the rows of the last statement that has rows, as a JSON array of objects')
    .option('--url', 'print the connection string, for psql and other tools')
    .addHelpText(
      'after',
      examples(
        'tributary sql "SELECT type, count(*) FROM events GROUP BY type ORDER BY 2 DESC"',
        'tributary sql "SELECT data FROM events LIMIT 1" --json',
        'psql "$(tributary sql --url)"',
      ),
    )
    .action(sql);
}

async function sql(query: string | undefined, options: SqlOptions): Promise<void> {
  const config = configOf(options);
  if (query === undefined && !options.url) throw new Fault('USAGE', 'sql needs a query');
  const [{ reachWarehouse, warehouseUrl }, { asJson, asTables, isSqlError, runSql }, { loadApps }] = await Promise.all([
    import('./sql/reach-warehouse.ts'),
    import('./sql/sql-result.ts'),
    import('../engine/load-apps.ts'),
  ]);
  if (options.url || query === undefined) return writeLine(await warehouseUrl(config));
  const pipelines = pipelinesOf(await loadApps({ pipelines: config.pipelines, databaseUrl: config.databaseUrl }));
  const warehouse = await reachWarehouse(config);
  try {
    const results = await runSql(warehouse.pool, query, schemasOf(pipelines.flatMap(({ sinks }) => sinks)));
    await writeLine(options.json ? asJson(results) : asTables(results));
  } catch (error) {
    if (!isSqlError(error)) throw error;
    tell(describe(error, query));
    process.exitCode = 1;
  } finally {
    await warehouse.close();
  }
}

/** The message, and where PostgreSQL says where: the line, and a caret below the place. */
function describe(error: DatabaseError, query: string): string {
  const hint = error.hint === undefined ? '' : ` ${error.hint}`;
  const detail = error.detail === undefined ? '' : ` ${error.detail}`;
  const line = errorLine(visible(`${error.message.replace(/[.]?$/, '.')}${detail}${hint}`));
  const position = Number(error.position);
  if (!(position >= 1)) return line;
  const before = Array.from(query)
    .slice(0, position - 1)
    .join(''); // counted in code points
  const start = before.lastIndexOf('\n') + 1;
  const [text = ''] = query.slice(start).split('\n', 1);
  return `${line}\n  ${text}\n  ${before.slice(start).replaceAll(/[^\t]/g, ' ')}^`;
}
