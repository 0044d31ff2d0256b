/** Rows in COPY's binary format. */
import { Reject } from '../../event/reject.ts';
import { maxBytesPerUnit } from '../../event/utf8.ts';
import type { Columns } from '../../pipeline/columns.ts';
import { type WriteValue, valueOverhead, writers } from './binary-values.ts';

export type RowValues = Readonly<Record<string, string>>;

export interface RowEncoder {
  /** Bytes that the row takes at most. @throws Reject where a column has no value */
  room(row: RowValues): number;
  /** Answers the position behind the row. @throws Reject */
  write(into: Buffer, at: number, row: RowValues): number;
}

export function rowEncoder(columns: Columns): RowEncoder {
  const names = Object.keys(columns);
  const types: readonly WriteValue[] = Object.values(columns).map(({ type }) => writers[type]);
  const count = names.length;
  return {
    room: (row) => {
      let characters = 0;
      for (const name of names) {
        const value: unknown = row[name];
        if (typeof value !== 'string') throw new Reject(name, 'a value for this column of the table');
        characters += value.length;
      }
      return 2 + count * valueOverhead + characters * maxBytesPerUnit;
    },
    write: (into, at, row) => {
      let end = into.writeUInt16BE(count, at);
      for (let i = 0; i < count; i++) {
        const name = names[i] as string;
        end = (types[i] as WriteValue)(into, end, row[name] as string, name);
      }
      return end;
    },
  };
}
