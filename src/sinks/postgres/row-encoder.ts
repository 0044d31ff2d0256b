/** Rows in COPY's binary format. */
import { Reject } from '../../event/reject.ts';
import { maxBytesPerUnit } from '../../event/utf8.ts';
import type { Columns, RowValues } from '../../pipeline/columns.ts';
import { type WriteValue, valueOverhead, writeNull, writers } from './binary-values.ts';

export interface RowEncoder {
  /** Bytes that the row takes at most. @throws Reject where a column has no value, or one of another type */
  room(row: RowValues): number;
  /** Answers the position behind the row. @throws Reject */
  write(into: Buffer, at: number, row: RowValues): number;
}

export function rowEncoder(columns: Columns): RowEncoder {
  const names = Object.keys(columns);
  const isNullable = Object.values(columns).map(({ nullable = false }) => nullable);
  const kinds = Object.values(columns).map(({ type }) => writers[type].of);
  // `room` has checked that values are of their column's type.
  const write = Object.values(columns).map(({ type }) => writers[type].write as WriteValue<unknown>);
  const count = names.length;
  return {
    room: (row) => {
      let characters = 0;
      for (let i = 0; i < count; i++) {
        const value: unknown = row[names[i] as string];
        if (value === null && isNullable[i]) continue;
        if (typeof value !== kinds[i]) throw new Reject(names[i] as string, 'a value for this column of the table');
        if (typeof value === 'string') characters += value.length;
      }
      return 2 + count * valueOverhead + characters * maxBytesPerUnit;
    },
    write: (into, at, row) => {
      let end = into.writeUInt16BE(count, at);
      for (let i = 0; i < count; i++) {
        const name = names[i] as string;
        const value = row[name];
        end = value === null ? writeNull(into, end) : (write[i] as WriteValue<unknown>)(into, end, value, name);
      }
      return end;
    },
  };
}
