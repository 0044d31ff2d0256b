/**
 * Staged rows into their table, by one statement. Where the checks have done what the triggers of foreign keys would do for each row,
 * they are left out (docs/decisions/bulk.md); PostgreSQL checks all else itself.
 */
import { type ClientBase, DatabaseError, escapeIdentifier } from 'pg';
import type { Bulk } from '../../pipeline/bulk.ts';
import { type RowErrors, shown } from './row-errors.ts';
import { checkKeys, type ReceivedRows } from './set-checks.ts';
import { stagingTable } from './staging.ts';
import { lockTargetTable, type TargetTable, type UniqueKey } from './target-table.ts';

/** What PostgreSQL says names the key last, after the table and the constraint, each of up to 63 characters. */
const maxReasonLength = 500;

/** In the transaction that has checked the references. Errors are added where a row is refused; the transaction is good for nothing more then. */
export async function insertRows(
  client: ClientBase,
  bulk: Bulk,
  target: TargetTable,
  rows: ReceivedRows,
): Promise<void> {
  const { staging } = rows;
  const { uniqueKeys, canSkipTriggers, takesCopies } = target.canSkipTriggers
    ? await lockTargetTable(client, bulk)
    : target;
  const isCopied = takesCopies && staging.isHeld;
  if (!isCopied) await staging.stage();
  const insert = async (): Promise<void> => {
    if (canSkipTriggers) await client.query('SET LOCAL session_replication_role = replica');
    if (isCopied) await staging.copyIn();
    else await client.query(insertStatement(bulk, bulk.table) + onConflict(bulk, uniqueKeys));
    if (canSkipTriggers) await client.query('SET LOCAL session_replication_role = DEFAULT');
    else await client.query('SET CONSTRAINTS ALL IMMEDIATE'); // what is deferred refuses rows here, not the commit
  };
  await orErrors(client, rows.errors, insert, () => checkKeys(client, bulk, uniqueKeys, rows));
}

/** @param lookUp which rows are meant, where that can be found out: else there is what PostgreSQL says */
export async function orErrors(
  client: ClientBase,
  errors: RowErrors,
  insert: () => Promise<unknown>,
  lookUp?: () => Promise<void>,
): Promise<void> {
  await client.query('SAVEPOINT before_rows');
  try {
    await insert();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_rows');
    await lookUp?.();
    if (errors.count > 0) return;
    const { message, column = null, detail } = error;
    const reason = shown(detail === undefined ? message : `${message}: ${detail}`, maxReasonLength) as string;
    errors.add({ line: null, field: column, value: null, reason });
  }
}

export function insertStatement({ columns }: Bulk, table: string): string {
  const names = Object.keys(columns).map(escapeIdentifier).join(', ');
  return `INSERT INTO ${escapeIdentifier(table)} (${names}) SELECT ${names} FROM ${stagingTable}`;
}

function onConflict({ columns, onConflict: what }: Bulk, keys: readonly UniqueKey[]): string {
  const primary = keys.find(({ isPrimary }) => isPrimary);
  if (what === 'insert' || !primary) return '';
  const names = Object.keys(columns).map(escapeIdentifier);
  const key = primary.columns.map(escapeIdentifier);
  const others = names.filter((name) => !key.includes(name)).map((name) => `${name} = EXCLUDED.${name}`);
  const action = others.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${others.join(', ')}`;
  return ` ON CONFLICT (${key.join(', ')}) ${action}`;
}

/**
 * What a row is, and not how the server is: its data (22), a constraint (23), a row that would take the place of one of the batch, a
 * value that is too long for its index (54000).
 */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^(?:22|23|21000|54000|P0001)/.test(error.code ?? '');
}
