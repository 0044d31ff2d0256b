/** Rows in COPY's binary format, in buffers that are used again: what a batch holds in memory does not depend on its size. */
import type { ColumnReader, ColumnValue } from './column-values.ts';
import { notPlain, writeInteger } from './plain-values.ts';

/** The format's signature, then no flags and no extension. */
const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** A number of columns that no row has. */
const trailer = Buffer.from([0xff, 0xff]);
/** Of a row: the number of its columns. */
const countBytes = 2;
/** Of a column: the number of its bytes. */
const lengthBytes = 4;
/** The first column. */
const lineBytes = lengthBytes + 8;
/** A part of a batch (`staging.ts`), and all that a chunk of the body may add to it where values are short. */
const usualCapacityBytes = 1.5 * 1024 * 1024;

/** As many as a batch has. */
const maxSpare = 6;

/** Of a line without quotes. */
export interface PlainFields {
  readonly bytes: Buffer;
  /** Where each field begins and ends in them, one after the other. */
  readonly bounds: Int32Array;
}

export class RowBuffer {
  #bytes: Buffer = Buffer.allocUnsafe(usualCapacityBytes);
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

  /** As far as `byteLength` they are rows. Valid until the next row is added. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** No long row has made it larger. */
  get isOfUsualCapacity(): boolean {
    return this.#bytes.length === usualCapacityBytes;
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

  /** In place of what is here, the other's rows without their lines. */
  takeValues(rows: RowBuffer): void {
    this.clear();
    this.#reserve(rows.#end);
    const [from, into] = [rows.#bytes, this.#bytes];
    for (let at = header.length; at < rows.#end;) {
      const columns = from.readUInt16BE(at) - 1;
      const start = at + countBytes + lineBytes;
      at = start;
      for (let i = 0; i < columns; i++) at += lengthBytes + Math.max(0, from.readInt32BE(at));
      this.#end = into.writeUInt16BE(columns, this.#end);
      this.#end += from.copy(into, this.#end, start, at);
    }
    this.#rows = rows.#rows;
  }

  /** @returns where the values begin, which end with the row: without the line, they are what makes rows the same */
  add(line: number, values: readonly (ColumnValue | undefined)[]): number {
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
    return start;
  }

  /**
   * The same of fields whose values are plain.
   * @param order where in the fields each column stands
   * @returns `notPlain` where a value is not: nothing is added then
   */
  addPlain(
    line: number,
    { bytes: from, bounds }: PlainFields,
    readers: readonly ColumnReader[],
    order: readonly number[] | undefined,
  ): number {
    // No value is longer than its text, but a number of fewer digits than four.
    const textBytes = (bounds.at(-1) as number) - (bounds[0] as number);
    this.#reserve(2 + 3 * lengthBytes + textBytes + 2 * lengthBytes * readers.length + trailer.length);
    const bytes = this.#bytes;
    bytes[this.#end] = (readers.length + 1) >> 8;
    bytes[this.#end + 1] = readers.length + 1;
    const lineAt = writeInteger(bytes, this.#end + 2, 8);
    const start = writeInteger(bytes, writeInteger(bytes, lineAt, Math.floor(line / 2 ** 32)), line);
    let at = start;
    for (let i = 0; i < readers.length; i++) {
      const field = 2 * (order === undefined ? i : (order[i] as number));
      const { plain } = readers[i] as ColumnReader;
      at = plain(from, bounds[field] as number, bounds[field + 1] as number, bytes, at);
      if (at === notPlain) return notPlain;
    }
    this.#end = at;
    this.#rows += 1;
    return start;
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

/**
 * Buffers of batches that have ended are there for the next ones: V8 collects all of its heap for every few megabytes that are thrown
 * away.
 */
export class SpareBuffers {
  readonly #buffers: RowBuffer[] = [];

  take(): RowBuffer {
    return this.#buffers.pop() ?? new RowBuffer();
  }

  /** Nothing else holds them any more. */
  giveBack(buffers: readonly RowBuffer[]): void {
    for (const buffer of buffers) {
      if (this.#buffers.length >= maxSpare || !buffer.isOfUsualCapacity) continue;
      buffer.clear();
      this.#buffers.push(buffer);
    }
  }
}
