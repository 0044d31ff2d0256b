/** Where a pipeline's events land. What is given here is checked by `definePipeline`. */
import type { Uuid } from '../event/ids.ts';
import type { Json } from '../event/verbatim.ts';
import type { Timestamp } from '../event/time.ts';
import type { Column, Columns, Row } from './columns.ts';
import type { DimensionSink, ObjectsSink, TableSink } from './pipeline.ts';

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
  /** NOT NULL, but those that are `nullable`. */
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

/** The names of those columns that order versions and tell keys apart: they have values, and not JSON. */
export type OrderedColumn<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer Value>
    ? null extends Value
      ? never
      : Value extends Json
        ? never
        : K
    : never;
}[keyof C] &
  string;

export interface DimensionOptions<Output, C extends Columns, R extends Row<C>> {
  /** The table's; names the sink's checkpoints too. */
  readonly name: string;
  /** Of PostgreSQL, in which the tables are; made where it is missing. Default: the first of the search_path. */
  readonly schema?: string;
  /** NOT NULL, but those that are `nullable`. */
  readonly columns: C;
  /** What tells one from another: the table has one row for each, its primary key. */
  readonly key: readonly OrderedColumn<C>[];
  /**
   * What puts the versions of a key in order, the first column first: the time from which a version counts, then what breaks ties, so that
   * no two events have the same (their id). Where two versions are equal in all of these and differ elsewhere, the one whose other columns
   * are greater, byte by byte, counts.
   */
  readonly order: readonly OrderedColumn<C>[];
  /** Which version of a key the table holds. `first`: what comes later changes nothing, and there is no history. Default `last`. */
  readonly keep?: 'last' | 'first';
  /**
   * Names a second table, with every version: the same columns, and `valid_from` (the first of `order`, a time), `valid_to` (that of the next
   * version, or NULL) and `is_current`. A version counts while `valid_from <= t < valid_to`: of several that begin at the same time,
   * only the last ever does. Default none.
   */
  readonly history?: string;
  /** The column that holds the event's correlation id. */
  readonly correlationId: UuidColumn<C>;
  /** A value for each column and nothing else; undefined for an event that is none of this table's. Throws `Reject`. */
  readonly row: (event: Output) => (R & NoOthers<R, C>) | undefined;
}

/**
 * Current state in the warehouse, and maybe its history (slowly changing dimensions of type 1, with history of type 2, and with
 * `keep: 'first'` of type 0): a function of the set of events, whatever the order, repetition and lateness in which they come. Tables
 * are created where they are missing.
 */
export function dimension<Output, const C extends Columns, R extends Row<C>>(
  options: DimensionOptions<Output, C, R>,
): DimensionSink<Output> {
  const { row, ...rest } = options;
  return { keep: 'last', ...rest, kind: 'dimension', row };
}
