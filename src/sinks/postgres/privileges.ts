/**
 * What a role must be allowed on tables that are there, and what it is told where it is not: PostgreSQL names the table,
 * but not the privilege.
 */
import { DatabaseError, escapeIdentifier, type Pool } from 'pg';
import { Fault } from '../../errors.ts';
import { checkpointsTable } from './table-statements.ts';

export const checkpointPrivileges = ['SELECT', 'INSERT', 'UPDATE'] as const;
export const tablePrivileges = ['SELECT', 'INSERT'] as const;
/** A replay of a pipeline takes old rows away. */
export const replayPrivileges = ['DELETE'] as const;

/** SQLSTATE of a missing privilege, and of a search_path on which no schema may be used. */
const codes: ReadonlySet<unknown> = new Set(['42501', '3F000']);

export function isDenied(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && codes.has(error.code);
}

export function denied(what: string, cause: Error): Fault {
  return new Fault('WAREHOUSE_DENIED', `${what}: ${cause.message}`, { cause });
}

/**
 * The error, or where a privilege was missing a WAREHOUSE_DENIED that names it.
 * @param pool the connection that failed may be of no use
 */
export async function explained(error: unknown, pool: Pool, table: string, isReplay: boolean): Promise<unknown> {
  if (!isDenied(error)) return error;
  const needed = [
    ...checkpointPrivileges.map((privilege) => [checkpointsTable, privilege]),
    ...[...tablePrivileges, ...(isReplay ? replayPrivileges : [])].map((privilege) => [table, privilege]),
  ];
  const found = await pool.query<{ role: string; name: string; privilege: string }>(
    `SELECT current_user AS role, name, privilege FROM unnest($1::text[], $2::text[], $3::text[]) AS needed (name, quoted, privilege)
     WHERE NOT has_table_privilege(to_regclass(quoted), privilege)`,
    [
      needed.map(([name]) => name),
      needed.map(([name]) => escapeIdentifier(name as string)),
      needed.map(([, privilege]) => privilege),
    ],
  );
  const [first] = found.rows;
  if (!first) return denied('PostgreSQL refuses our role', error);
  const missing = found.rows.map(({ name, privilege }) => `${privilege} on ${name}`);
  return denied(`the role ${first.role} lacks ${missing.join(', ')}`, error);
}
