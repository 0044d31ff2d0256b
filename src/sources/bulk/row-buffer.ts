/** Rows in COPY's binary format, in buffers that are used again: what a batch holds in memory does not depend on its size. */
import type { ColumnValue } from './column-values.ts';

/** The format's signature, then no flags and no extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** A number of columns that no row has. */
const trailer = Buffer.from([0xff, 0xff]);
/** Of a column: the number of its bytes. */
const lengthBytes = 4;
const firstCapacityBytes = 1024 * 1024;

export class RowBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(firstCapacityBytes);
  #end = 0;
  #rows = 0;

  constructor() {
    this.clear();
  }

  get rows(): number {
    return this.#rows;
  }

  get byteLength(): number {
    return this.#end;
  }

  clear(): void {
    this.#end = header.copy(this.#bytes, 0);
    this.#rows = 0;
  }

  /** The whole of a COPY. To be cleared before rows are added again. */
  finish(): Buffer {
    this.#reserve(trailer.length);
    this.#end += trailer.copy(this.#bytes, this.#end);
    return this.#bytes.subarray(0, this.#end);
  }

  /** @returns the bytes of the values, without the line: what makes rows the same. Valid until the next row is added. */
  add(line: number, values: readonly (ColumnValue | undefined)[]): Buffer {
    this.#reserve(roomOf(values));
    const bytes = this.#bytes;
    let at = bytes.writeUInt16BE(values.length + 1, this.#end);
    at = bytes.writeInt32BE(8, at);
    const start = bytes.writeBigInt64BE(BigInt(line), at);
    at = start;
    for (const value of values) {
      if (value === undefined) at = bytes.writeInt32BE(-1, at);
      else if (typeof value === 'string') at = writeText(bytes, at, value);
      else at = bytes.writeInt32BE(value, bytes.writeInt32BE(lengthBytes, at));
    }
    this.#end = at;
    this.#rows += 1;
    return bytes.subarray(start, at);
  }

  #reserve(needed: number): void {
    if (this.#end + needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#end + needed));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

function writeText(bytes: Buffer, at: number, text: string): number {
  const written = bytes.write(text, at + lengthBytes, 'utf8');
  bytes.writeInt32BE(written, at);
  return at + lengthBytes + written;
}

/** At most: a UTF-16 unit is three bytes of UTF-8. */
function roomOf(values: readonly (ColumnValue | undefined)[]): number {
  let room = 2 + lengthBytes + 8 + trailer.length;
  for (const value of values) room += lengthBytes + (typeof value === 'string' ? 3 * value.length : lengthBytes);
  return room;
}
