/** The rows of a batch in COPY's binary format, and which months they fall in. */
import { asReject, Reject } from '../../event/reject.ts';
import type { TableSink } from '../../pipeline/pipeline.ts';
import { Entries } from '../entries.ts';
import { type RowEncoder, rowEncoder } from './row-encoder.ts';

export class RowBatch<E> {
  readonly entries = new Entries();
  readonly #definition: TableSink<E>;
  readonly #encoder: RowEncoder;
  /** Of each entry, `YYYY-MM`. */
  readonly #months: string[] = [];
  #lastMonth = '';

  constructor(definition: TableSink<E>) {
    this.#definition = definition;
    this.#encoder = rowEncoder(definition.columns);
  }

  /** @throws Reject */
  add(offset: number, event: E): void {
    try {
      const row = this.#definition.row(event);
      const at = this.entries.end;
      const into = this.entries.room(this.#encoder.room(row));
      const month = this.#monthOf(row[this.#definition.partitionBy.column] as string);
      this.entries.add(offset, this.#encoder.write(into, at, row));
      this.#months.push(month);
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
    return new Set(this.#months.filter((_, index) => !without.has(this.entries.offset(index))));
  }

  #monthOf(time: string): string {
    if (this.#lastMonth !== '' && time.startsWith(this.#lastMonth)) return this.#lastMonth;
    const month = time.slice(0, 'YYYY-MM'.length);
    // It becomes part of names and statements: nothing but a month passes.
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month) || month.startsWith('0000'))
      throw new Reject(this.#definition.partitionBy.column, 'a time of the years 0001 to 9999');
    this.#lastMonth = month;
    return month;
  }
}
