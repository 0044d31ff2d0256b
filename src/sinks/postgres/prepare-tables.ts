/** Makes the warehouse what a pipeline needs before its first event lands: its tables, then its migrations. */
import type { Pool } from 'pg';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { schemasOf } from '../../pipeline/row-tables.ts';
import { lend } from '../../stores/warehouse/connection-pool.ts';
import { applyMigrations, readMigrations } from './migrations.ts';
import { ensureTables } from './postgres-sink.ts';

/**
 * Answers the names of the migrations that it has applied.
 * @throws Fault WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED, WAREHOUSE_MIGRATION_INVALID, WAREHOUSE_MIGRATION_CHANGED, WAREHOUSE_MIGRATION_FAILED
 */
export async function prepareTables(pool: Pool, { name, sinks, migrations }: Pipeline): Promise<readonly string[]> {
  if (!migrations) return [];
  const files = await readMigrations(migrations);
  const client = await lend(pool);
  try {
    for (const sink of sinks) if (sink.kind !== 'objects') await ensureTables(client, sink);
    return await applyMigrations(client, name, files, schemasOf(sinks));
  } finally {
    client.release(true);
  }
}
