/**
 * What the rows of a batch refer to, each key once, gathered as they stream by. So long as they are few, they are looked up in place of
 * the rows; of more than fit, none is known here, and the rows themselves are asked (D6).
 */
import type { Bulk } from '../../pipeline/bulk.ts';
import type { ColumnReader } from './column-values.ts';

/** Of one reference. */
const maxKeys = 10_000;
const maxKeyBytes = 2 * 1024 * 1024;
const lengthBytes = 4;

/** As PostgreSQL's arrays take them: for a day, the days since 2000-01-01. */
export type KeyColumn = readonly (string | number)[];

export class GivenKeys {
  readonly #references: readonly KeysOfReference[];
  /** Where the value of each column of the current row begins. */
  readonly #starts: Int32Array;

  constructor({ columns, references }: Bulk, readers: readonly ColumnReader[]) {
    const names = Object.keys(columns);
    this.#starts = new Int32Array(names.length + 1);
    this.#references = references.map((reference) => {
      const places = reference.columns.map((name) => names.indexOf(name));
      return new KeysOfReference(places, readers);
    });
  }

  /** The values of a row, in COPY's binary format. */
  note(bytes: Buffer, start: number): void {
    const starts = this.#starts;
    let at = start;
    for (let column = 0; column < starts.length; column++) {
      starts[column] = at;
      if (column < starts.length - 1) at += lengthBytes + Math.max(0, bytes.readInt32BE(at));
    }
    for (const reference of this.#references) reference.note(bytes, starts);
  }

  /** By the columns of the reference of that place in the declaration. Undefined where there are too many. */
  of(place: number): readonly KeyColumn[] | undefined {
    return this.#references[place]?.columns();
  }
}

class KeysOfReference {
  readonly #places: readonly number[];
  readonly #readers: readonly ColumnReader[];
  /** The bytes of their values, as Latin-1: a string for each, and no two the same. Undefined where there are too many. */
  #keys: Set<string> | undefined = new Set();
  #keyBytes = 0;
  #last: Buffer = Buffer.alloc(0);

  constructor(places: readonly number[], readers: readonly ColumnReader[]) {
    this.#places = places;
    this.#readers = readers;
  }

  note(bytes: Buffer, starts: Int32Array): void {
    if (!this.#keys || this.#isLast(bytes, starts)) return;
    let key = '';
    for (const place of this.#places) {
      const [start, end] = [starts[place] as number, starts[place + 1] as number];
      if (bytes[start] === 0xff) return; // a value that could not be read, and is an error already
      key += bytes.toString('latin1', start, end);
    }
    this.#last = Buffer.from(key, 'latin1');
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#keyBytes += key.length;
    if (this.#keys.size > maxKeys || this.#keyBytes > maxKeyBytes) this.#keys = undefined;
  }

  /** Rows that refer to the same often follow each other. */
  #isLast(bytes: Buffer, starts: Int32Array): boolean {
    const last = this.#last;
    let at = 0;
    for (const place of this.#places)
      for (let i = starts[place] as number; i < (starts[place + 1] as number); i++)
        if (bytes[i] !== last[at++]) return false;
    return at === last.length;
  }

  columns(): readonly KeyColumn[] | undefined {
    if (!this.#keys) return undefined;
    const columns: (string | number)[][] = this.#places.map(() => []);
    for (const key of this.#keys) {
      const bytes = Buffer.from(key, 'latin1');
      let at = 0;
      for (const [i, place] of this.#places.entries()) {
        const start = at + lengthBytes;
        at = start + bytes.readInt32BE(at);
        const isText = this.#readers[place]?.sql === 'text';
        columns[i]?.push(isText ? bytes.toString('utf8', start, at) : bytes.readInt32BE(start));
      }
    }
    return columns;
  }
}
