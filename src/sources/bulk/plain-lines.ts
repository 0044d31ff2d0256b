/**
 * The lines of a CSV up to the one with its first quote: there every line is a row, and every comma parts two fields. Rows whose values are
 * plain go on as the bytes that came in (docs/decisions/bulk.md says what that is worth); others as text, to be told what is wrong with them.
 */
import { HeldBytes } from '../../ingest/splitter.ts';
import type { CsvHeader } from './csv-header.ts';
import type { RowChecker } from './row-checker.ts';
import { maxRowBytes, StopReading } from './row-reader.ts';

const quote = 0x22;
const comma = 0x2c;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = Buffer.from('\uFEFF');
const lineEnd = Buffer.from([lineFeed]);

export class PlainLines {
  /** Of the next row, from 1. */
  line = 1;
  readonly #rows: RowChecker;
  readonly #header: CsvHeader;
  /** Of the current line. One for all of them: an object for each would be most of the garbage. */
  readonly #fields: { bytes: Buffer; readonly bounds: Int32Array };
  /** The beginning of a line whose end has not come in. */
  readonly #held = new HeldBytes();

  constructor(rows: RowChecker, header: CsvHeader) {
    this.#rows = rows;
    this.#header = header;
    this.#fields = { bytes: lineEnd, bounds: new Int32Array(2 * rows.names.length) };
  }

  /** @returns where there is a quote, all from the line on in which it stands; no more may be pushed then. @throws StopReading */
  push(chunk: Buffer): Buffer | undefined {
    const quoteAt = chunk.indexOf(quote);
    const plain = quoteAt === -1 ? chunk : chunk.subarray(0, quoteAt);
    const end = plain.lastIndexOf(lineFeed) + 1;
    let at = 0;
    if (end > 0 && this.#held.length > 0) {
      at = plain.indexOf(lineFeed) + 1;
      this.#take(this.#held.join(chunk, 0, at), 0);
    }
    if (end > 0) this.#take(chunk.subarray(0, end), at);
    const rest = chunk.subarray(end);
    if (quoteAt !== -1) return this.#held.join(rest, 0, rest.length);
    if (rest.length > 0) this.#hold(rest);
    return undefined;
  }

  /** @throws StopReading */
  end(): void {
    const bytes = this.#held.join(lineEnd, 0, lineEnd.length);
    const isNothing =
      bytes.length === 1 || (this.line === 1 && bytes.length === byteOrderMark.length + 1 && hasMark(bytes));
    if (!isNothing) this.#take(bytes, 0, true);
  }

  #hold(bytes: Buffer): void {
    this.#held.add(bytes, 0, bytes.length);
    this.#checkLength(this.#held.length);
  }

  #checkLength(length: number): void {
    if (length > maxRowBytes) throw new StopReading(this.line, `the row is longer than ${maxRowBytes} bytes`);
  }

  /** Whole lines. @param isCut the last line feed is ours: a carriage return before it is a part of the field */
  #take(bytes: Buffer, from: number, isCut = false): void {
    const { bounds } = this.#fields;
    this.#fields.bytes = bytes;
    let start = this.line === 1 && hasMark(bytes) ? from + byteOrderMark.length : from;
    let fields = 0;
    bounds[0] = start;
    for (let i = start; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === comma) {
        bounds[2 * fields + 1] = i; // one that is out of bounds goes nowhere
        fields += 1;
        bounds[2 * fields] = i + 1;
      } else if (byte === lineFeed) {
        const end = bytes[i - 1] === carriageReturn && i > start && !isCut ? i - 1 : i;
        bounds[2 * fields + 1] = end;
        this.#row(bytes, start, end, fields + 1);
        start = i + 1;
        fields = 0;
        bounds[0] = start;
      }
    }
  }

  #row(bytes: Buffer, start: number, end: number, fields: number): void {
    this.#checkLength(end - start);
    const rows = this.#rows;
    const { line } = this;
    this.line += 1;
    const header = this.#header;
    if (header.isAwaited && header.takes(textsOf(bytes, start, end))) return;
    if (fields === rows.names.length && rows.addPlain(line, this.#fields, header.order)) return;
    rows.addFields(line, textsOf(bytes, start, end), header.order);
  }
}

function hasMark(bytes: Buffer): boolean {
  return bytes.compare(byteOrderMark, 0, byteOrderMark.length, 0, Math.min(bytes.length, byteOrderMark.length)) === 0;
}

function textsOf(bytes: Buffer, start: number, end: number): readonly string[] {
  return bytes.toString('utf8', start, end).split(',');
}
