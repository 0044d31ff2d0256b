/** The rows of a batch in COPY's binary format, and which months they fall in where the table is partitioned by them. */
import { asReject, Reject } from '../../event/reject.ts';
import type { Columns, RowValues } from '../../pipeline/columns.ts';
import { Entries } from '../entries.ts';
import { type RowEncoder, rowEncoder } from './row-encoder.ts';

export interface RowsDefinition<E> {
  readonly name: string;
  readonly columns: Columns;
  readonly partitionBy?: { readonly column: string };
  /** Undefined for an event that leaves no row. */
  readonly row: (event: E) => RowValues | undefined;
}

export class RowBatch<E> {
  /** Of an event without a row, an entry without bytes. */
  readonly entries = new Entries();
  readonly #definition: RowsDefinition<E>;
  readonly #encoder: RowEncoder;
  /** Of each entry, `YYYY-MM`; empty where it is in none. */
  readonly #months: string[] = [];
  #lastMonth = '';

  constructor(definition: RowsDefinition<E>) {
    this.#definition = definition;
    this.#encoder = rowEncoder(definition.columns);
  }

  /** @throws Reject */
  add(offset: number, event: E): void {
    try {
      const row = this.#definition.row(event);
      if (row === undefined) return this.#add(offset, this.entries.end, '');
      const at = this.entries.end;
      const into = this.entries.room(this.#encoder.room(row));
      const month = this.#monthOf(row);
      this.#add(offset, this.#encoder.write(into, at, row), month);
    } catch (error) {
      throw asReject(error, 'make a row of');
    }
  }

  removeLast(): void {
    this.entries.removeLast();
    this.#months.pop();
  }

  clear(): void {
    this.entries.clear();
    this.#months.length = 0;
  }

  /** `YYYY-MM` of all rows but those at these offsets. */
  months(without: ReadonlySet<number>): ReadonlySet<string> {
    if (!this.#definition.partitionBy) return new Set();
    return new Set(this.#months.filter((_, index) => !without.has(this.entries.offset(index))));
  }

  #add(offset: number, end: number, month: string): void {
    this.entries.add(offset, end);
    this.#months.push(month);
  }

  #monthOf(row: RowValues): string {
    const { partitionBy } = this.#definition;
    if (!partitionBy) return '';
    const time = row[partitionBy.column] as string;
    if (this.#lastMonth !== '' && time.startsWith(this.#lastMonth)) return this.#lastMonth;
    const month = time.slice(0, 'YYYY-MM'.length);
    // It becomes part of names and statements: nothing but a month passes.
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month) || month.startsWith('0000'))
      throw new Reject(partitionBy.column, 'a time of the years 0001 to 9999');
    this.#lastMonth = month;
    return month;
  }
}
