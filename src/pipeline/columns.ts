/** Columns of a warehouse table, each with the TypeScript type of its values. */
import type { Json } from '../event/verbatim.ts';
import type { Timestamp } from '../event/time.ts';
import type { Uuid } from '../event/ids.ts';

export interface Column<Value> {
  readonly type: 'timestamptz' | 'uuid' | 'text' | 'jsonb';
  /** For the compiler only: what a row holds in this column. */
  readonly value?: Value;
}

export type Columns = Readonly<Record<string, Column<unknown>>>;

/** A row of a table with the given columns. */
export type Row<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer Value> ? Value : never };

export const timestamptz = (): Column<Timestamp> => ({ type: 'timestamptz' });
export const uuid = (): Column<Uuid> => ({ type: 'uuid' });
export const text = (): Column<string> & { readonly type: 'text' } => ({ type: 'text' });
export const jsonb = (): Column<Json> => ({ type: 'jsonb' });
