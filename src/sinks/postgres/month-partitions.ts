/**
 * Partitions of a table by month, in UTC, made when the first row of a month comes: `events_2024_01`.
 *
 * Readers and writers of the table go on meanwhile: a partition is made as a table of its own and then attached, which
 * takes SHARE UPDATE EXCLUSIVE on the parent, where CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE. Which there are is
 * read once and remembered.
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { Fault } from '../../errors.ts';
import { underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';
import { partitionBounds, partitionName } from './table-statements.ts';

export interface MonthPartitions {
  /** @param month `YYYY-MM` */
  has(month: string): boolean;
  /** Makes those that are missing, each in a transaction of its own. @throws Fault WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED */
  make(client: ClientBase, months: Iterable<string>): Promise<void>;
  /** Reads anew which there are: somebody may have dropped one. */
  refresh(client: ClientBase): Promise<void>;
}

export function monthPartitions(table: string): MonthPartitions {
  const parent = escapeIdentifier(table);
  let known = new Set<string>();

  async function read(client: ClientBase): Promise<Set<string>> {
    const found = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)`,
      [parent],
    );
    return new Set(found.rows.map(({ name }) => name));
  }

  async function make(client: ClientBase, month: string): Promise<void> {
    const name = partitionName(table, month);
    const partition = escapeIdentifier(name);
    await underLock(client, table, async () => {
      if ((await read(client)).has(name)) return; // another was first
      await client.query(`CREATE TABLE ${partition} (LIKE ${parent} INCLUDING ALL)`);
      await client.query(`ALTER TABLE ${parent} ATTACH PARTITION ${partition} FOR VALUES ${partitionBounds(month)}`);
    }).catch((error: unknown) => {
      if (isDenied(error))
        throw denied(`${name} is missing, and to make it takes CREATE on the schema and owning ${table}`, error);
      throw isInTheWay(error) ? inTheWay(table, name, error) : error;
    });
    known.add(name);
  }

  return {
    has: (month) => known.has(partitionName(table, month)),
    make: async (client, months) => {
      for (const month of months) await make(client, month);
    },
    refresh: async (client) => {
      known = await read(client);
    },
  };
}

/** A table of that name that is no partition (42P07), or a partition that has part of the month (42P17). */
function isInTheWay(error: unknown): error is Error {
  const { code } = error as { code?: unknown };
  return code === '42P07' || code === '42P17';
}

function inTheWay(table: string, name: string, cause: Error): Fault {
  const message = `table ${table} cannot get its partition ${name}: ${cause.message}`;
  return new Fault('WAREHOUSE_TABLE_DIFFERS', message, { cause });
}
