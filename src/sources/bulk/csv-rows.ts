/**
 * Rows of a CSV as RFC 4180 has it, LF or CRLF, with a header or without. A row's line is the one on which it begins; every line counts,
 * those within quotes too. Up to the first quote, which most files of numbers and codes have not, lines are cut at their commas.
 */
import { CsvHeader, type CsvOptions } from './csv-header.ts';
import { PlainLines } from './plain-lines.ts';
import { QuotedRows } from './quoted-rows.ts';
import type { RowChecker } from './row-checker.ts';
import type { RowReader } from './row-reader.ts';

export class CsvRows implements RowReader {
  readonly #rows: RowChecker;
  readonly #header: CsvHeader;
  readonly #plain: PlainLines;
  #quoted: QuotedRows | undefined;

  constructor(rows: RowChecker, options: CsvOptions = {}) {
    this.#rows = rows;
    this.#header = new CsvHeader(rows.names, options);
    this.#plain = new PlainLines(rows, this.#header);
  }

  push(chunk: Buffer): Promise<void> | void {
    if (this.#quoted) return this.#quoted.push(chunk);
    const rest = this.#plain.push(chunk);
    if (rest === undefined) return;
    this.#quoted = new QuotedRows(this.#rows, this.#header, this.#plain.line);
    return this.#quoted.push(rest);
  }

  end(): Promise<void> | void {
    return (this.#quoted ?? this.#plain).end();
  }

  close(): void {
    this.#quoted?.close();
  }
}
