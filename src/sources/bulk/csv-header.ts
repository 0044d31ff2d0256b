/** The first row of a CSV is its header where a field of it is the name of a column, unless `header` says how it is. */
import { StopReading } from './row-reader.ts';

export interface CsvOptions {
  /** As the parameter `header` of `text/csv` says. Default: as the first row looks. */
  readonly header?: 'present' | 'absent' | undefined;
}

export class CsvHeader {
  readonly #names: readonly string[];
  readonly #option: CsvOptions['header'];
  #isAwaited = true;
  #order: readonly number[] | undefined;

  constructor(names: readonly string[], { header }: CsvOptions) {
    this.#names = names;
    this.#option = header;
  }

  /** The next row is the first. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** Where in the fields of a row each column stands. Undefined: in the order of the columns. */
  get order(): readonly number[] | undefined {
    return this.#order;
  }

  /** The first row has gone by, and cannot be read. */
  skip(): void {
    this.#isAwaited = false;
  }

  /**
   * Whether the first row is a header: then it is no row of the batch.
   * @throws StopReading where it is not that of the table
   */
  takes(fields: readonly string[]): boolean {
    this.#isAwaited = false;
    if (!this.#isHeader(fields)) return false;
    const names = this.#names;
    const unknown = fields.find((field) => !names.includes(field));
    const lacking = names.find((name) => !fields.includes(name));
    const twice = fields.find((field, i) => fields.indexOf(field) < i);
    if (unknown !== undefined) throw bad(`there is no column ${JSON.stringify(unknown.slice(0, 100))}`);
    if (lacking !== undefined) throw bad(`the column ${lacking} is missing`);
    if (twice !== undefined) throw bad(`the column ${twice} is there twice`);
    this.#order = names.map((name) => fields.indexOf(name));
    return true;
  }

  #isHeader(fields: readonly string[]): boolean {
    if (this.#option !== undefined) return this.#option === 'present';
    return fields.some((field) => this.#names.includes(field));
  }
}

function bad(reason: string): StopReading {
  return new StopReading(1, `the header is not that of the table: ${reason}`);
}
