/** The tables in which a sink leaves rows of events: of current state with a history, both. */
import { escapeIdentifier } from 'pg';
import type { Columns, SinkDefinition } from './pipeline.ts';

export interface TablePlace {
  readonly name: string;
  /** Default: the first of the search_path. */
  readonly schema?: string | undefined;
}

/** As it stands in SQL. */
export function quotedTable({ schema, name }: TablePlace): string {
  return schema === undefined ? escapeIdentifier(name) : `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

export interface RowTable extends TablePlace {
  readonly columns: Columns;
  /** Where it is partitioned. */
  readonly partitionBy?: { readonly column: string };
}

/** Those that sinks name, beside the one that everything is in. */
export function schemasOf(sinks: readonly SinkDefinition<never>[]): readonly string[] {
  return [...new Set(sinks.flatMap((sink) => (sink.kind === 'dimension' ? (sink.schema ?? []) : [])))];
}

export function rowTablesOf(sink: SinkDefinition<never>): readonly RowTable[] {
  if (sink.kind === 'objects') return [];
  if (sink.kind === 'table') return [sink];
  const { name, schema, columns, history } = sink;
  return [name, ...(history === undefined ? [] : [history])].map((table) => ({ name: table, schema, columns }));
}
