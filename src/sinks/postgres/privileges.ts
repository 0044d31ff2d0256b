/**
 * What a role must be allowed on tables that are there, and what it is told where it is not: PostgreSQL names the table,
 * but not the privilege.
 */
import { DatabaseError, type Pool } from 'pg';
import { Fault } from '../../errors.ts';
import { checkpointsTable } from './table-statements.ts';
import { quotedTable, type TablePlace } from '../../pipeline/row-tables.ts';

export const checkpointPrivileges = ['SELECT', 'INSERT', 'UPDATE'] as const;
export const tablePrivileges = ['SELECT', 'INSERT'] as const;
/** A replay of a pipeline takes old rows away. */
export const replayPrivileges = ['DELETE'] as const;
/** Rows are merged with what is there. */
export const dimensionPrivileges = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

export interface NeededPrivilege {
  readonly table: TablePlace;
  readonly privilege: string;
}

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
 * @param pool the connection that failed may be of no use @param needs beside those on checkpoints
 */
export async function explained(error: unknown, pool: Pool, needs: readonly NeededPrivilege[]): Promise<unknown> {
  if (!isDenied(error)) return error;
  const ofCheckpoints = checkpointPrivileges.map((privilege) => ({ table: { name: checkpointsTable }, privilege }));
  const needed = [...ofCheckpoints, ...needs];
  const found = await pool.query<{ role: string; name: string; privilege: string }>(
    `SELECT current_user AS role, name, privilege FROM unnest($1::text[], $2::text[], $3::text[]) AS needed (name, quoted, privilege)
     WHERE NOT has_table_privilege(to_regclass(quoted), privilege)`,
    [
      needed.map(({ table }) => table.name),
      needed.map(({ table }) => quotedTable(table)),
      needed.map(({ privilege }) => privilege),
    ],
  );
  const [first] = found.rows;
  if (!first) return denied('PostgreSQL refuses our role', error);
  const missing = found.rows.map(({ name, privilege }) => `${privilege} on ${name}`);
  return denied(`the role ${first.role} lacks ${missing.join(', ')}`, error);
}
