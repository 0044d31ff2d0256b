/** `tributary warehouse migrate | status`: the tables and migrations of the configuration's pipelines. `start` applies them by itself. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import { type ConfigOptions, configOf, examples, withConfig } from './options.ts';
import { writeLine } from './output.ts';
import { outputWidth, renderTable } from './table.ts';

interface StatusOptions extends ConfigOptions {
  readonly json?: true;
}

export function addMigrations(group: Command): void {
  withConfig(group.command('migrate'))
    .description(
      'make the tables of pipelines that have migrations, and apply those that are pending; start does it by itself',
    )
    .addHelpText('after', examples('DATABASE_URL=postgres://admin@db.example/lake tributary warehouse migrate'))
    .action(migrate);
  withConfig(group.command('status'))
    .description('which migrations are applied; ends with 1 where one is not, or was changed since')
    .option('--json', 'as a JSON array')
    .addHelpText('after', examples('tributary warehouse status', 'tributary warehouse status --json'))
    .action(status);
}

async function migrate(options: ConfigOptions): Promise<void> {
  const { prepareTables } = await import('../sinks/postgres/prepare-tables.ts');
  await onWarehouse(configOf(options), { make: true }, async (pipelines, { pool }) => {
    for (const pipeline of pipelines) {
      const applied = await prepareTables(pool, pipeline);
      const what = applied.length === 0 ? 'nothing was pending' : `applied ${applied.join(', ')}`;
      await writeLine(`${pipeline.name}: ${what}`);
    }
  });
}

async function status(options: StatusOptions): Promise<void> {
  const { migrationStatuses, readMigrations } = await import('../sinks/postgres/migrations.ts');
  await onWarehouse(configOf(options), {}, async (pipelines, { pool }) => {
    const found = [];
    for (const { name: pipeline, migrations } of pipelines) {
      const files = await readMigrations(migrations as URL);
      const client = await pool.connect();
      const statuses = await migrationStatuses(client, pipeline, files).finally(() => client.release());
      for (const { name, status: is, appliedAt } of statuses)
        found.push({ pipeline, migration: name, status: is, appliedAt: appliedAt?.toISOString() ?? null });
    }
    if (options.json) await writeLine(JSON.stringify(found));
    else {
      const columns = ['pipeline', 'migration', 'status', 'applied'].map((title) => ({ title }));
      const rows = found.map((one) => [one.pipeline, one.migration, one.status, one.appliedAt ?? '']);
      await writeLine(renderTable(columns, rows, outputWidth()));
    }
    if (found.some((one) => one.status === 'pending' || one.status === 'changed')) process.exitCode = 1;
  });
}

/** @param use told the pipelines that have migrations */
async function onWarehouse(
  config: Config,
  how: { readonly make?: boolean },
  use: (pipelines: readonly Pipeline[], warehouse: Warehouse) => Promise<void>,
): Promise<void> {
  const [{ loadApps }, { pipelinesOf }, { reachWarehouse }] = await Promise.all([
    import('../engine/load-apps.ts'),
    import('../pipeline/apps.ts'),
    import('./sql/reach-warehouse.ts'),
  ]);
  const pipelines = pipelinesOf(await loadApps(config)).filter(({ migrations }) => migrations !== undefined);
  const warehouse = await reachWarehouse(config, how);
  try {
    await use(pipelines, warehouse);
  } finally {
    await warehouse.close();
  }
}
