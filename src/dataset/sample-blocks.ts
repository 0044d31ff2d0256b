/** The rows of a sample as a dump would have them. */
import type { Dataset, SampleOptions, SampleRow } from '../pipeline/dataset.ts';
import type { CopyBlock } from './read-dump.ts';

const pieceCharacters = 64 * 1024;

export async function* sampleBlocks(
  { tables, sample }: Dataset,
  options: SampleOptions,
): AsyncGenerator<CopyBlock, void, undefined> {
  const rows = new SampleRows(sample(options)[Symbol.iterator]());
  const left = new Set(tables.map(({ name }) => name));
  for (let next = rows.peek(); next; next = rows.peek()) {
    const name = next.table;
    left.delete(name);
    const columns = Object.keys(tables.find((table) => table.name === name)?.columns ?? {});
    yield { table: name, columns, line: 0, rows: rows.of(name) };
  }
  for (const table of tables)
    if (left.has(table.name))
      yield { table: table.name, columns: Object.keys(table.columns), line: 0, rows: rows.of(table.name) };
}

class SampleRows {
  readonly #rows: Iterator<SampleRow>;
  #next: IteratorResult<SampleRow>;

  constructor(rows: Iterator<SampleRow>) {
    this.#rows = rows;
    this.#next = rows.next();
  }

  peek(): SampleRow | undefined {
    return this.#next.done === true ? undefined : this.#next.value;
  }

  /** Those that come now, while they are of the table. */
  async *of(table: string): AsyncGenerator<Buffer, void, undefined> {
    let text = '';
    for (let row = this.peek(); row?.table === table; row = this.peek()) {
      text += `${row.values.map(copyText).join('\t')}\n`;
      this.#next = this.#rows.next();
      if (text.length < pieceCharacters) continue;
      yield Buffer.from(text);
      text = '';
    }
    if (text !== '') yield Buffer.from(text);
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function copyText(value: string | number | null): string {
  return value === null ? '\\N' : String(value).replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? '');
}
