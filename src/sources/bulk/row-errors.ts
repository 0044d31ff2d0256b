/** What is wrong with the rows of a batch: all of it counted, the first of it by line kept. */

export interface RowError {
  /** Of the file, from 1. Null where PostgreSQL does not say which row it refuses. */
  readonly line: number | null;
  /** A column, or several with commas between; null where it is the row as a whole. */
  readonly field: string | null;
  /** As it was sent, shortened. */
  readonly value: string | null;
  readonly reason: string;
}

export interface FoundErrors {
  readonly count: number;
  /** In the order of their lines. */
  readonly first: readonly RowError[];
}

export const maxErrorsShown = 100;
const maxValueLength = 100;

export class RowErrors {
  #count = 0;
  #first: RowError[] = [];
  /** From this line on errors are counted only: enough are known of lines before. Undefined while they are not. */
  #enoughFrom: number | undefined;

  add(error: RowError): void {
    this.addAll([error], 1);
  }

  /** @param errors the first by line of their kind @param count of all of it */
  addAll(errors: readonly RowError[], count: number): void {
    this.#count += count;
    for (const error of errors) {
      if (this.#enoughFrom !== undefined && lineOf(error) >= this.#enoughFrom) continue;
      this.#first.push(error);
      if (this.#first.length >= 2 * maxErrorsShown) this.#shorten();
    }
  }

  get count(): number {
    return this.#count;
  }

  get found(): FoundErrors {
    this.#shorten();
    return { count: this.#count, first: this.#first };
  }

  #shorten(): void {
    this.#first = this.#first.toSorted((a, b) => lineOf(a) - lineOf(b)).slice(0, maxErrorsShown);
    const last = this.#first[maxErrorsShown - 1];
    if (last) this.#enoughFrom = lineOf(last);
  }
}

function lineOf({ line }: RowError): number {
  return line ?? Infinity;
}

/** What of a value is shown of it: PostgreSQL keeps no NUL in JSON. */
export function shown(value: unknown, maxLength = maxValueLength): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}...` : text;
  return short.toWellFormed().replaceAll('\0', '\u2400');
}
