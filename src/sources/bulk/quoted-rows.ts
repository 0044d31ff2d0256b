/** Rows of a CSV from the line on in which its first quote stands, by a parser that knows quotes. */
import { type InfoRecord, parse, type Parser } from 'csv-parse';
import type { CsvHeader } from './csv-header.ts';
import type { RowChecker } from './row-checker.ts';
import { maxRowBytes, type RowReader, StopReading } from './row-reader.ts';

export class QuotedRows implements RowReader {
  readonly #rows: RowChecker;
  readonly #header: CsvHeader;
  readonly #parser: Parser;
  readonly #linesBefore: number;
  /** Line ends within fields that the parser has counted twice, or that are none. */
  #overcounted = 0;
  #failure: Error | undefined;

  /** @param firstLine on which the first row begins */
  constructor(rows: RowChecker, header: CsvHeader, firstLine: number) {
    this.#rows = rows;
    this.#header = header;
    this.#linesBefore = firstLine - 1;
    this.#parser = parse({
      bom: firstLine === 1,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_records_with_error: true,
      max_record_size: maxRowBytes,
      on_record: (record: string[], { lines }: InfoRecord) => this.#record(record, lines),
      on_skip: (error) => this.#skipped(error),
    });
    this.#parser.on('error', () => undefined).resume(); // it comes with the write, too
  }

  push(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parser.write(chunk, (error) => this.#settle(error, resolve, reject));
    });
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parser.end((error?: Error | null) => this.#settle(error, resolve, reject));
    });
  }

  close(): void {
    this.#parser.destroy();
  }

  #settle(error: Error | null | undefined, resolve: () => void, reject: (error: Error) => void): void {
    const failure = this.#failure ?? error;
    if (failure) reject(failure);
    else resolve();
  }

  #record(fields: readonly string[], linesSoFar: number): null {
    if (this.#failure) return null;
    let lineEnds = 0;
    let returns = 0;
    for (const field of fields) {
      if (field.includes('\n')) lineEnds += field.split('\n').length - 1;
      if (field.includes('\r')) returns += field.split('\r').length - 1;
    }
    this.#overcounted += returns;
    const line = this.#linesBefore + linesSoFar - this.#overcounted - lineEnds;
    if (!this.#takenAsHeader(fields)) this.#rows.addFields(line, fields, this.#header.order);
    return null;
  }

  #takenAsHeader(fields: readonly string[]): boolean {
    if (!this.#header.isAwaited) return false;
    try {
      return this.#header.takes(fields);
    } catch (error) {
      this.#failure = error as Error; // the parser would take it for one of its own
      return true;
    }
  }

  /** The parser goes on with the next record; without end is what is too long. */
  #skipped(error: (Error & { readonly code?: string; readonly lines?: number }) | undefined): undefined {
    const line = this.#linesBefore + (error?.lines ?? 1) - this.#overcounted;
    this.#header.skip();
    const code = error?.code ?? '';
    if (code === 'CSV_MAX_RECORD_SIZE')
      this.#failure ??= new StopReading(line, `the row is longer than ${maxRowBytes} bytes`);
    else this.#rows.refuse(line, `this is no CSV: ${problems[code] ?? 'it cannot be read'}`);
    return undefined;
  }
}

/** By the codes of the parser, whose own messages quote what was sent. */
const problems: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE: 'a quote stands in a field that does not begin with one',
  CSV_INVALID_CLOSING_QUOTE: 'something follows the closing quote of a field',
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
};
