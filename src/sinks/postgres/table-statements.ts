/** The statements that make what a sink needs: the tables, their indexes and the partitions of months. */
import { escapeIdentifier } from 'pg';
import type { TableSink } from '../../pipeline/pipeline.ts';

/** Types as PostgreSQL spells them (`format_type`). */
export const typeNames = {
  timestamptz: 'timestamp with time zone',
  uuid: 'uuid',
  text: 'text',
  jsonb: 'jsonb',
} as const;

export type Table = Pick<TableSink<never>, 'name' | 'columns' | 'partitionBy' | 'indexes'>;

export const checkpointsTable = 'tributary_checkpoints';

export const createCheckpoints = `CREATE TABLE IF NOT EXISTS ${checkpointsTable} (
  log_id text NOT NULL, pipeline text NOT NULL, sink text NOT NULL, topic text NOT NULL, partition integer NOT NULL,
  next_offset bigint NOT NULL, PRIMARY KEY (log_id, pipeline, sink, topic, partition))`;

/** Without what stands before and behind the name. */
export function tableBody({ columns, partitionBy }: Table): string {
  const lines = Object.entries(columns).map(
    ([column, { type }]) => `${escapeIdentifier(column)} ${typeNames[type]} NOT NULL`,
  );
  return `(${lines.join(', ')}) PARTITION BY RANGE (${escapeIdentifier(partitionBy.column)})`;
}

export function indexBody(table: string, columns: readonly string[]): string {
  return `ON ${escapeIdentifier(table)} (${columns.map(escapeIdentifier).join(', ')})`;
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
