/**
 * Rows of a CSV as RFC 4180 has it, LF or CRLF, with a header or without: its first line is one where a field of it is the name of a
 * column, unless `header` says how it is. A row's line is the one on which it begins; every line counts, those within quotes too.
 */
import { type InfoRecord, parse, type Parser } from 'csv-parse';
import type { RowChecker } from './row-checker.ts';
import { maxRowBytes, type RowReader, StopReading } from './row-reader.ts';

export interface CsvOptions {
  /** As the parameter `header` of `text/csv` says. Default: as the first line looks. */
  readonly header?: 'present' | 'absent' | undefined;
}

export class CsvRows implements RowReader {
  readonly #rows: RowChecker;
  readonly #header: CsvOptions['header'];
  readonly #parser: Parser;
  #isFirst = true;
  #order: readonly number[] | undefined;
  /** Line ends within fields that the parser has counted twice, or that are none. */
  #overcounted = 0;
  #failure: Error | undefined;

  constructor(rows: RowChecker, { header }: CsvOptions = {}) {
    this.#rows = rows;
    this.#header = header;
    this.#parser = parse({
      bom: true,
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
    const line = linesSoFar - this.#overcounted - lineEnds;
    if (this.#isFirst) {
      this.#isFirst = false;
      if (this.#isHeader(fields)) return this.#takeHeader(fields);
    }
    this.#rows.addFields(line, fields, this.#order);
    return null;
  }

  #isHeader(fields: readonly string[]): boolean {
    if (this.#header !== undefined) return this.#header === 'present';
    return fields.some((field) => this.#rows.names.includes(field));
  }

  #takeHeader(fields: readonly string[]): null {
    const { names } = this.#rows;
    const unknown = fields.find((field) => !names.includes(field));
    const lacking = names.find((name) => !fields.includes(name));
    const twice = fields.find((field, i) => fields.indexOf(field) < i);
    if (unknown !== undefined) return this.#badHeader(`there is no column ${JSON.stringify(unknown.slice(0, 100))}`);
    if (lacking !== undefined) return this.#badHeader(`the column ${lacking} is missing`);
    if (twice !== undefined) return this.#badHeader(`the column ${twice} is there twice`);
    this.#order = names.map((name) => fields.indexOf(name));
    return null;
  }

  #badHeader(reason: string): null {
    this.#failure = new StopReading(1, `the header is not that of the table: ${reason}`);
    return null;
  }

  /** The parser goes on with the next record; without end is what is too long. */
  #skipped(error: (Error & { readonly code?: string; readonly lines?: number }) | undefined): undefined {
    const line = (error?.lines ?? 1) - this.#overcounted;
    this.#isFirst = false;
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
