/** Rows of events, by the ids that they carry in any of their UUID columns: what a table calls its ids is the pipeline's affair. */
import { escapeIdentifier, type Pool } from 'pg';
import { quotedTable, type RowTable as Table } from '../pipeline/row-tables.ts';
import type { TableRow } from './trail.ts';

/** Ids have no index of their own: a search may read a table whole. */
const statementTimeout = '30s';

export interface RowSearch {
  /** UUIDs, inclusive. */
  readonly from: string;
  readonly to: string;
  /** Values of the column that the table is partitioned by, inclusive, where they are known: only these partitions are read. */
  readonly within?: { readonly from: string; readonly to: string } | undefined;
}

/** At most `limit` rows. */
export function findRows(pool: Pool, table: Table, search: RowSearch, limit: number): Promise<readonly TableRow[]> {
  const ids = uuidColumns(table);
  if (ids.length === 0) return Promise.resolve([]);
  const shown = Object.keys(table.columns).filter((name) => table.columns[name]?.type !== 'jsonb');
  const selected = shown.map((name) => `to_json(${escapeIdentifier(name)}) #>> '{}'`).join(', ');
  const anyId = ids.map((name) => `${escapeIdentifier(name)} BETWEEN $1 AND $2`).join(' OR ');
  const text = `SELECT ${selected} FROM ${quotedTable(table)} WHERE (${anyId})${within(table, search)} LIMIT ${limit}`;
  return query(pool, table, text, search, (rows) =>
    rows.map((row) => ({
      table: table.name,
      columns: Object.fromEntries(shown.map((name, i) => [name, row[i] ?? ''])),
    })),
  );
}

/** Counted in the column that holds most of them. */
export function countRows(pool: Pool, table: Table, search: RowSearch): Promise<number> {
  const ids = uuidColumns(table);
  if (ids.length === 0) return Promise.resolve(0);
  const counts = ids.map((name) => `count(*) FILTER (WHERE ${escapeIdentifier(name)} BETWEEN $1 AND $2)`).join(', ');
  const text = `SELECT ${counts} FROM ${quotedTable(table)} WHERE true${within(table, search)}`;
  return query(pool, table, text, search, (rows) => Math.max(...(rows[0] ?? []).map(Number)));
}

function uuidColumns({ columns }: Table): readonly string[] {
  return Object.keys(columns).filter((name) => columns[name]?.type === 'uuid');
}

function within({ partitionBy }: Table, search: RowSearch): string {
  return search.within && partitionBy ? ` AND ${escapeIdentifier(partitionBy.column)} BETWEEN $3 AND $4` : '';
}

async function query<T>(
  pool: Pool,
  table: Table,
  text: string,
  { from, to, within: range }: RowSearch,
  read: (rows: readonly (readonly (string | null)[])[]) => T,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = '${statementTimeout}'`);
    const there = await client.query(`SELECT to_regclass($1) IS NOT NULL AS there`, [quotedTable(table)]);
    const isThere = (there.rows[0] as { there: boolean }).there;
    if (!isThere) return read([]);
    const values = range && table.partitionBy ? [from, to, range.from, range.to] : [from, to];
    return read((await client.query({ text, values, rowMode: 'array' })).rows as (string | null)[][]);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined); // the error that counts is the first
    client.release();
  }
}
