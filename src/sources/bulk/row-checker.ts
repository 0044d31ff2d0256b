/**
 * Each row of a batch as it streams in: what is wrong with it by itself is an error with its line, and all that can be read of it goes
 * on, with nothing in place of what cannot, so that it is checked against the tables, too.
 */
import { closest } from 'fastest-levenshtein';
import { memberText } from '../../event/json-member.ts';
import type { JsonObject } from '../../pipeline/pipeline.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import { type ColumnReader, columnReader, type ColumnValue, Refusal } from './column-values.ts';
import { GivenKeys } from './given-keys.ts';
import { notPlain } from './plain-values.ts';
import type { PlainFields, RowBuffer } from './row-buffer.ts';
import { RowDigest } from './row-digest.ts';
import { type RowErrors, shown } from './row-errors.ts';

/** How an object was sent. */
export interface ObjectText {
  readonly bytes: Buffer;
  /** Names that stand in it more than once. */
  readonly doubled: readonly string[];
}

export class RowChecker {
  readonly names: readonly string[];
  /** What all rows so far refer to. */
  readonly given: GivenKeys;
  readonly #readers: readonly ColumnReader[];
  readonly #errors: RowErrors;
  readonly #digest: RowDigest | undefined;
  #into: RowBuffer;
  #rows = 0;

  /** @param isKeyed whether rows will be compared with those of another batch */
  constructor(bulk: Bulk, isKeyed: boolean, errors: RowErrors, into: RowBuffer) {
    this.names = Object.keys(bulk.columns);
    this.#readers = Object.values(bulk.columns).map(columnReader);
    this.given = new GivenKeys(bulk, this.#readers);
    this.#errors = errors;
    this.#digest = isKeyed ? new RowDigest() : undefined;
    this.#into = into;
  }

  /** All of them, good or bad. */
  get rows(): number {
    return this.#rows;
  }

  /** Rows go there from now on. */
  set into(buffer: RowBuffer) {
    this.#into = buffer;
  }

  /** Of the values, row by row, as parsed: the same rows in another format or compression have the same. */
  digest(): string | undefined {
    return this.#digest?.digest();
  }

  /** @param order where in the fields each column stands */
  addFields(line: number, fields: readonly string[], order: readonly number[] | undefined): void {
    const { names } = this;
    if (fields.length !== names.length)
      return this.refuse(line, `expected ${names.length} fields (${names.join(', ')}), got ${fields.length}`);
    const values = names.map((name, i) => {
      const text = fields[order?.[i] ?? i] as string;
      return this.#taken((this.#readers[i] as ColumnReader).ofText(text), line, name, text);
    });
    this.#add(line, values);
  }

  /** As many fields as there are columns. Whether their values are plain; else nothing is done, and the row is to be added as text. */
  addPlain(line: number, fields: PlainFields, order: readonly number[] | undefined): boolean {
    const start = this.#into.addPlain(line, fields, this.#readers, order);
    if (start === notPlain) return false;
    this.#added(start);
    return true;
  }

  addObject(line: number, row: JsonObject, { bytes, doubled }: ObjectText): void {
    const { names } = this;
    const mayRound = roundable.some((part) => bytes.includes(part));
    for (const name of Object.keys(row)) if (!names.includes(name)) this.#unknown(line, name, row[name]);
    for (const name of doubled)
      this.#errors.add({ line, field: shown(name), value: shown(row[name]), reason: 'given twice' });
    const values = names.map((name, i) => {
      if (!Object.hasOwn(row, name)) return this.#taken(missing, line, name, null);
      const value = row[name];
      const reader = this.#readers[i] as ColumnReader;
      if (typeof value !== 'number') return this.#taken(reader.ofJson(value), line, name, value);
      const sent = (): string => memberText(bytes.toString(), name) as string;
      const isRounded = mayRound && significant(sent()) !== significant(String(value));
      const read = reader.ofJson(isRounded ? Number.NaN : value);
      return this.#taken(read, line, name, read instanceof Refusal ? sent() : value); // 1e400 is Infinity by now
    });
    this.#add(line, values);
  }

  /** What is no row at all. */
  refuse(line: number, reason: string, value: string | null = null): void {
    this.#rows += 1;
    this.#errors.add({ line, field: null, value: shown(value), reason });
  }

  #add(line: number, values: readonly (ColumnValue | undefined)[]): void {
    this.#added(this.#into.add(line, values));
  }

  #added(start: number): void {
    this.#rows += 1;
    const { bytes, byteLength } = this.#into;
    this.given.note(bytes, start);
    this.#digest?.add(bytes, start, byteLength);
  }

  #taken(read: ColumnValue | Refusal, line: number, field: string, value: unknown): ColumnValue | undefined {
    if (!(read instanceof Refusal)) return read;
    this.#errors.add({ line, field, value: shown(value), reason: read.reason });
    return undefined;
  }

  #unknown(line: number, name: string, value: unknown): void {
    const reason = `there is no such field; did you mean ${JSON.stringify(closest(name.slice(0, 100), this.names))}?`;
    this.#errors.add({ line, field: shown(name), value: shown(value), reason });
  }
}

const missing = new Refusal('missing');

/** A number without any of them is whole, and where it is rounded too large for any column. */
const roundable = [0x2e, Buffer.from('e-'), Buffer.from('E-')];

/** The digits but zeros at either end: where one number is the other rounded, they have the same only if they are equal. */
function significant(number: string): string {
  const digits = number.replace(/e.*$/i, '').replaceAll(/[-.]/g, '');
  let [start, end] = [0, digits.length];
  while (digits[start] === '0') start += 1;
  while (end > start && digits[end - 1] === '0') end -= 1;
  return digits.slice(start, end);
}
