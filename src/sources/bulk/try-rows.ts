/**
 * Staged rows of a dry run into a temporary table that is like theirs, with all that PostgreSQL checks of a row by itself; what is
 * unique is looked up. The table itself grows by nothing, not even by rows that are rolled back. Left unchecked is what only an insert
 * into it could tell: its triggers, partitions and exclusion constraints, and foreign keys that are not declared.
 */
import { type ClientBase, escapeIdentifier as quoted } from 'pg';
import { Fault } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import { insertStatement, orErrors } from './insert-rows.ts';
import { checkKeys, type ReceivedRows } from './set-checks.ts';
import type { TargetTable } from './target-table.ts';

const like = 'tributary_like_the_table';

/** In a transaction that is rolled back then. @throws Fault WAREHOUSE_DENIED where the rows themselves could not go in */
export async function tryRows(
  client: ClientBase,
  bulk: Bulk,
  { uniqueKeys }: TargetTable,
  rows: ReceivedRows,
): Promise<void> {
  await checkPrivileges(client, bulk);
  const table = quoted(bulk.table);
  await client.query(
    `CREATE TEMPORARY TABLE ${like} (LIKE ${table} INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING GENERATED INCLUDING CONSTRAINTS)`,
  );
  // What cannot be read of a row is empty in its staged one: PostgreSQL would tell of that again.
  await rows.staging.stage();
  if (rows.errors.count === 0) await orErrors(client, rows.errors, () => client.query(insertStatement(bulk, like)));
  await checkKeys(client, bulk, uniqueKeys, rows);
}

async function checkPrivileges(client: ClientBase, { table, columns, onConflict }: Bulk): Promise<void> {
  const needed = onConflict === 'upsert' ? ['INSERT', 'UPDATE'] : ['INSERT'];
  const found = await client.query<{ privilege: string }>(
    `SELECT privilege FROM unnest($2::text[]) AS privilege, unnest($3::text[]) AS name
     WHERE NOT has_column_privilege(to_regclass($1), name, privilege) LIMIT 1`,
    [quoted(table), needed, Object.keys(columns)],
  );
  const [lacking] = found.rows;
  if (lacking) throw new Fault('WAREHOUSE_DENIED', `our role lacks ${lacking.privilege} on ${table}`);
}
