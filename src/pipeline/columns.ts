/** Columns of a warehouse table, each with the TypeScript type of its values. */
import type { Json } from '../event/verbatim.ts';
import type { LocalTime } from '../event/local-time.ts';
import type { Timestamp } from '../event/time.ts';
import type { Uuid } from '../event/ids.ts';

export type ColumnType = 'timestamptz' | 'timestamp' | 'uuid' | 'text' | 'jsonb' | 'bigint' | 'double' | 'boolean';

export interface Column<Value> {
  readonly type: ColumnType;
  /** It may be NULL. Default false. */
  readonly nullable?: boolean;
  /** For the compiler only: what a row holds in this column. */
  readonly value?: Value;
}

export type Columns = Readonly<Record<string, Column<unknown>>>;

/** A row of a table with the given columns. */
export type Row<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer Value> ? Value : never };

/** What any column may hold. */
export type RowValues = Readonly<Record<string, string | number | boolean | null>>;

export const timestamptz = (): Column<Timestamp> => ({ type: 'timestamptz' });
/** A time that names no zone. */
export const timestamp = (): Column<LocalTime> => ({ type: 'timestamp' });
export const uuid = (): Column<Uuid> => ({ type: 'uuid' });
export const text = (): Column<string> & { readonly type: 'text' } => ({ type: 'text' });
export const jsonb = (): Column<Json> => ({ type: 'jsonb' });
/** An integer that a JavaScript number holds exactly. */
export const bigint = (): Column<number> => ({ type: 'bigint' });
/** PostgreSQL's `double precision`. */
export const double = (): Column<number> => ({ type: 'double' });
export const boolean = (): Column<boolean> => ({ type: 'boolean' });
/** The same column, which may be NULL. */
export const nullable = <Value>({ type }: Column<Value>): Column<Value | null> => ({ type, nullable: true });
