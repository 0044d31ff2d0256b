/**
 * Takes away the rows of events that land again (D9), by their correlation ids. These count up with time, and so do rows, more or
 * less: a BRIN index, a few pages for any table, finds the blocks that may have them.
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { toUuid } from '../../event/ids.ts';
import { underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';
import { quotedTable, type TablePlace } from '../../pipeline/row-tables.ts';

export interface RowsOfEvents {
  readonly table: TablePlace;
  /** Holds the correlation id. */
  readonly column: string;
}

/** Ids that are further apart than this, in milliseconds, are looked for apart: between them may be all that the table has. */
const gapMs = 60_000;

/** In the client's transaction. */
export async function deleteRows(client: ClientBase, of: RowsOfEvents, correlationIds: readonly string[]) {
  const table = quotedTable(of.table);
  const column = escapeIdentifier(of.column);
  for (const ids of closeTogether(correlationIds)) {
    await client.query(
      `DELETE FROM ${table} USING unnest($1::uuid[]) AS replaced (id)
       WHERE ${column} = replaced.id AND ${column} BETWEEN $2 AND $3`,
      [ids, ids[0], ids.at(-1)],
    );
  }
}

/** Sorted, in runs; what is no id has left no row. */
export function* closeTogether(correlationIds: readonly string[]): Generator<readonly string[]> {
  const ids = correlationIds.flatMap((id) => toUuid(id) ?? []).toSorted();
  let start = 0;
  for (let i = 1; i <= ids.length; i++) {
    if (i < ids.length && timeOf(ids[i] as string) - timeOf(ids[i - 1] as string) <= gapMs) continue;
    yield ids.slice(start, i);
    start = i;
  }
}

/** RFC 9562, version 8 as `event/correlation-id.ts` has it: 48 bits of Unix milliseconds come first. */
function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Outside of a transaction. Writers of the table wait while it is made, once. True where it has just been made. @throws Fault WAREHOUSE_DENIED */
export function ensureIndex(client: ClientBase, of: RowsOfEvents): Promise<boolean> {
  return underLock(client, of.table.name, async () => {
    const found = await client.query(
      `SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = to_regclass($1) AND a.attname = $2 AND i.indpred IS NULL AND i.indisvalid`,
      [quotedTable(of.table), of.column],
    );
    if (found.rowCount !== 0) return false;
    await client.query(`CREATE INDEX ON ${quotedTable(of.table)} USING brin (${escapeIdentifier(of.column)})`);
    return true;
  }).catch((error: unknown) => {
    if (!isDenied(error)) throw error;
    throw denied(`${of.table.name} has no index of ${of.column}, and to make it takes owning the table`, error);
  });
}

/**
 * $1: the table, $2: the column. A range of blocks has its summary, from the least to the greatest id. Those of another owner, which
 * alone may make summaries, are left to autovacuum.
 */
const brinIndexes = `pg_partition_tree(to_regclass($1)) t
     JOIN pg_index i ON i.indrelid = t.relid JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_am m ON m.oid = c.relam AND m.amname = 'brin' AND t.isleaf
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = $2
     AND pg_has_role(c.relowner, 'USAGE')`;

/** BRIN reads whatever it has no summary of; autovacuum makes them much later. */
export async function summariseIndexes(client: ClientBase, of: RowsOfEvents): Promise<void> {
  await client.query(`SELECT brin_summarize_new_values(c.oid) FROM ${brinIndexes}`, parametersOf(of));
}

/**
 * Summaries widen and never narrow: where earlier replays left room that newer rows have taken, they end up matching most ids. The
 * table is read once, and nobody waits.
 */
export async function renewSummaries(client: ClientBase, of: RowsOfEvents): Promise<void> {
  await client.query(
    `SELECT count(brin_desummarize_range(c.oid, block)) FROM ${brinIndexes},
       generate_series(0, pg_relation_size(t.relid) / current_setting('block_size')::bigint, ${blocksInRange}) AS block`,
    parametersOf(of),
  );
  await summariseIndexes(client, of);
}

const blocksInRange = `coalesce(
  (SELECT option_value::bigint FROM pg_options_to_table(c.reloptions) WHERE option_name = 'pages_per_range'), 128)`;

function parametersOf({ table, column }: RowsOfEvents): unknown[] {
  return [quotedTable(table), column];
}
