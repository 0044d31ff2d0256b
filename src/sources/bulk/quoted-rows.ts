/** Rows of a CSV from the line on in which its first quote stands, by a parser that knows quotes. */
import { parse, type Parser } from 'csv-parse';
import type { CsvHeader } from './csv-header.ts';
import type { RowChecker } from './row-checker.ts';
import { maxRowBytes, type RowReader, StopReading } from './row-reader.ts';

interface RawRecord {
  readonly record: readonly string[];
  /** As it was sent, with its line feed, or with the carriage return before it. */
  readonly raw: string;
}

export class QuotedRows implements RowReader {
  readonly #rows: RowChecker;
  readonly #header: CsvHeader;
  readonly #parser: Parser;
  /** On which the next row begins. */
  #line: number;
  #failure: Error | undefined;

  /** @param firstLine on which the first row begins */
  constructor(rows: RowChecker, header: CsvHeader, firstLine: number) {
    this.#rows = rows;
    this.#header = header;
    this.#line = firstLine;
    this.#parser = parse({
      bom: firstLine === 1,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      relax_quotes: true, // else it takes what follows a row with a quote too many for a part of it
      raw: true,
      skip_records_with_error: true,
      max_record_size: maxRowBytes,
      on_record: (read: unknown) => this.#record(read as RawRecord),
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

  #record({ record: fields, raw }: RawRecord): null {
    if (this.#failure) return null;
    const line = this.#line;
    this.#line += raw.split('\n').length - (raw.endsWith('\n') ? 1 : 0);
    const problem = problemOf(fields, raw);
    if (problem !== undefined) this.#refuse(line, problem);
    else if (!this.#takenAsHeader(fields)) this.#rows.addFields(line, fields, this.#header.order);
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

  #refuse(line: number, problem: string): void {
    this.#header.skip();
    this.#rows.refuse(line, `this is no CSV: ${problem}`);
  }

  /** What is too long, or is the last and has no end. */
  #skipped(error: (Error & { readonly code?: string }) | undefined): undefined {
    if (error?.code === 'CSV_MAX_RECORD_SIZE')
      this.#failure ??= new StopReading(this.#line, `the row is longer than ${maxRowBytes} bytes`);
    else this.#refuse(this.#line, 'a quote is not closed');
    return undefined;
  }
}

/** Undefined where the fields, written as RFC 4180 has it, with or without quotes, are what was sent. */
function problemOf(fields: readonly string[], raw: string): string | undefined {
  let at = 0;
  for (const field of fields) {
    const isQuoted = raw.startsWith('"', at);
    const hasQuote = field.includes('"');
    if (!isQuoted && hasQuote) return 'a quote stands in a field that does not begin with one';
    const text = isQuoted ? `"${hasQuote ? field.replaceAll('"', '""') : field}"` : field;
    if (!raw.startsWith(text, at)) return afterQuote;
    at += text.length;
    if (at < raw.length && !isEnd(raw.charCodeAt(at))) return afterQuote;
    at += 1;
  }
  return undefined;
}

const afterQuote = 'something follows the closing quote of a field';

/** Of a field: a comma, a line feed, a carriage return. */
function isEnd(character: number): boolean {
  return character === 0x2c || character === 0x0a || character === 0x0d;
}
