/** Where a pipeline's events land. What is given here is checked by `definePipeline`. */
import type { Uuid } from '../event/ids.ts';
import type { Timestamp } from '../event/time.ts';
import type { Column, Columns, Row } from './columns.ts';
import type { ObjectsSink, TableSink } from './pipeline.ts';

export interface ObjectsOptions<Output> {
  /** Names the sink's checkpoints; default `objects`. */
  readonly name?: string;
  /** The prefix of the key of the event's object, without a slash at its end. Encode values with `percentEncodeSegment`. Throws `Reject`. */
  readonly key: (event: Output) => string;
}

/** Objects of one event a line: `<key>/<topic>-<partition>-<first offset>.json`. */
export function objects<Output>(options: ObjectsOptions<Output>): ObjectsSink<Output> {
  return { name: 'objects', ...options, kind: 'objects' };
}

/** The names of those columns whose values are times. */
export type TimeColumn<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer Value> ? ([Value] extends [Timestamp] ? K : never) : never;
}[keyof C] &
  string;

/** No column but those of the table. */
export type NoOthers<R, C> = { readonly [K in Exclude<keyof R, keyof C>]: never };

/** The names of those columns whose values are UUIDs. */
export type UuidColumn<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer Value> ? ([Value] extends [Uuid] ? K : never) : never;
}[keyof C] &
  string;

export interface TableOptions<Output, C extends Columns, R extends Row<C>> {
  /** The table's; names the sink's checkpoints too. */
  readonly name: string;
  /** All of them NOT NULL. */
  readonly columns: C;
  /** Partitions are made as events need them. */
  readonly partitionBy: { readonly column: TimeColumn<C>; readonly every: 'month' };
  /** Each an index on the columns that it lists. Default none. */
  readonly indexes?: readonly (readonly (keyof C & string)[])[];
  /**
   * The column that holds the event's correlation id. By it `tributary replay` finds the row that an event left: without it, the
   * pipeline cannot be replayed. Default none.
   */
  readonly correlationId?: UuidColumn<C>;
  /** A value for each column and nothing else. Throws `Reject`. */
  readonly row: (event: Output) => R & NoOthers<R, C>;
}

/** Rows of a table in the warehouse, which is created where it is missing. */
export function table<Output, const C extends Columns, R extends Row<C>>(
  options: TableOptions<Output, C, R>,
): TableSink<Output> {
  const { row, ...rest } = options;
  return { indexes: [], ...rest, kind: 'table', row };
}
