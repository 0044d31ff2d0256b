/** The statements that make what a sink needs: the tables, their indexes and the partitions of months. */
import { escapeIdentifier } from 'pg';
import type { Column, ColumnType, Columns } from '../../pipeline/columns.ts';
import { type TablePlace, quotedTable } from '../../pipeline/row-tables.ts';

/** Types as PostgreSQL spells them (`format_type`). */
export const typeNames: Readonly<Record<ColumnType, string>> = {
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  uuid: 'uuid',
  text: 'text',
  jsonb: 'jsonb',
  bigint: 'bigint',
  double: 'double precision',
  boolean: 'boolean',
};

export interface Table extends TablePlace {
  readonly columns: Columns;
  readonly indexes: readonly (readonly string[])[];
  /** By range of it; default: not at all. */
  readonly partitionBy?: { readonly column: string };
  /** Default none. */
  readonly primaryKey?: readonly string[];
  /** Of rows that are current (`is_current`), one for each value of these. Default: it has no such rows. */
  readonly oneCurrent?: readonly string[];
}

export const checkpointsTable = 'tributary_checkpoints';

export const createCheckpoints = `CREATE TABLE IF NOT EXISTS ${checkpointsTable} (
  log_id text NOT NULL, pipeline text NOT NULL, sink text NOT NULL, topic text NOT NULL, partition integer NOT NULL,
  next_offset bigint NOT NULL, PRIMARY KEY (log_id, pipeline, sink, topic, partition))`;

/** Without what stands before and behind the name. */
export function tableBody({ columns, partitionBy, primaryKey }: Table): string {
  const key = primaryKey ? [`PRIMARY KEY (${namesOf(primaryKey)})`] : [];
  const partitions = partitionBy ? ` PARTITION BY RANGE (${escapeIdentifier(partitionBy.column)})` : '';
  return `(${[...columnLines(columns), ...key].join(', ')})${partitions}`;
}

export function columnLines(columns: Columns): readonly string[] {
  return Object.entries(columns).map(([name, column]) => `${escapeIdentifier(name)} ${typeOf(column)}`);
}

function typeOf({ type, nullable }: Column<unknown>): string {
  return nullable ? typeNames[type] : `${typeNames[type]} NOT NULL`;
}

/** Separated by commas. */
export function namesOf(columns: readonly string[]): string {
  return columns.map((name) => escapeIdentifier(name)).join(', ');
}

export function indexBody(table: TablePlace, columns: readonly string[]): string {
  return `ON ${quotedTable(table)} (${namesOf(columns)})`;
}

/** @param month `YYYY-MM` */
export function partitionName(table: string, month: string): string {
  return `${table}_${month.replace('-', '_')}`;
}

/** @param month `YYYY-MM` */
export function partitionBounds(month: string): string {
  return `FROM ('${firstMoment(month)}') TO ('${firstMoment(nextMonth(month))}')`;
}

function firstMoment(month: string): string {
  return `${month}-01 00:00:00+00`;
}

export function nextMonth(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  const [nextYear, next] = number === 12 ? [year + 1, 1] : [year, number + 1];
  return `${String(nextYear).padStart(4, '0')}-${String(next).padStart(2, '0')}`;
}
