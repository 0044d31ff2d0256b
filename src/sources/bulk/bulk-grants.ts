/** The SQL by which an administrator lets a role take batches. Statements in their order, without semicolons; they may be run again. */
import { escapeIdentifier as quoted } from 'pg';
import type { Bulk } from '../../pipeline/bulk.ts';
import { batchPrivileges, createBatches } from './batch-table.ts';

export interface BulkGrants {
  readonly role: string;
  readonly database: string;
  readonly bulks: readonly Bulk[];
  /** The role makes no table: it gets what it needs on those that are there. Else it owns what it has made. */
  readonly isPrepared: boolean;
}

export function bulkGrants({ role, database, bulks, isPrepared }: BulkGrants): readonly string[] {
  if (bulks.length === 0) return [];
  const to = `TO ${quoted(role)}`;
  const temporary = `GRANT TEMPORARY ON DATABASE ${quoted(database)} ${to}`;
  if (!isPrepared) return [temporary];
  return [
    temporary,
    ...createBatches,
    `GRANT ${batchPrivileges.join(', ')} ON tributary_batches ${to}`,
    ...bulks.flatMap((bulk) => tableGrants(bulk, to)),
  ];
}

/** To lock a row against being deleted, PostgreSQL wants UPDATE on one of its columns. */
function tableGrants({ table, onConflict, references }: Bulk, to: string): readonly string[] {
  const privileges = onConflict === 'upsert' ? 'SELECT, INSERT, UPDATE' : 'SELECT, INSERT';
  const locks = references.map(({ to: { table: other, columns } }) => {
    const keys = columns.map(quoted);
    return `GRANT SELECT (${keys.join(', ')}), UPDATE (${keys[0]}) ON ${quoted(other)} ${to}`;
  });
  return [`GRANT ${privileges} ON ${quoted(table)} ${to}`, ...new Set(locks)];
}
