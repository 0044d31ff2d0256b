/** What a row of a view holds, a value for each measure, and how events and other rows change it. */
import type { Timestamp } from '../event/time.ts';
import type { ViewOf } from '../pipeline/views.ts';

/** A number of events or of pairs; a time, or null where there is none. */
export type Value = number | Timestamp | null;
export type Values = Value[];

export type AnyView = ViewOf<Readonly<Record<string, unknown>>>;
export type AnyMeasure = AnyView['measures'][string];

export function measuresOf(view: AnyView): readonly AnyMeasure[] {
  return Object.values(view.measures);
}

/** A row that counts nothing. */
export function emptyValues(measures: readonly AnyMeasure[]): Values {
  return measures.map(({ kind }) => (kind === 'count' || kind === 'pairs' ? 0 : null));
}

/** An event at that time. Pairs are added when both are there (`addPairs`). */
export function addEvent(values: Values, measures: readonly AnyMeasure[], time: Timestamp): void {
  for (let index = 0; index < measures.length; index++) {
    const { kind } = measures[index] as AnyMeasure;
    const value = values[index];
    if (kind === 'count') values[index] = (value as number) + 1;
    else if (kind === 'first' && (value === null || time < (value as Timestamp))) values[index] = time;
    else if (kind === 'last' && (value === null || time > (value as Timestamp))) values[index] = time;
  }
}

export function addPairs(values: Values, measure: number, pairs: number): void {
  values[measure] = (values[measure] as number) + pairs;
}

/** Two rows of different events, as one; into the first. */
export function merge(into: Values, measures: readonly AnyMeasure[], other: readonly Value[]): void {
  for (const [index, { kind }] of measures.entries()) {
    const [one, two] = [into[index] as Value, other[index] as Value];
    if (kind === 'count' || kind === 'pairs') into[index] = (one as number) + (two as number);
    else if (one === null || (two !== null && (kind === 'first' ? two < one : two > one))) into[index] = two;
  }
}

/** With the names that the view's author gave its measures. */
export function namedRow(view: AnyView, values: readonly Value[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.keys(view.measures).map((name, index) => [name, values[index] as Value]));
}

/** As the store has it: what was counted in each part of a row. A list, since an object with such keys takes ten times the memory. */
export interface StoredRow {
  readonly key: string;
  readonly parts: (readonly [part: string, values: Values])[];
}

/** Rows that are asked for. */
export type WantedRows = readonly (readonly [bucket: string, key: string])[];

/** In memory. */
export interface Row extends StoredRow {
  /** Of its entry. */
  readonly name: string;
  isDirty: boolean;
}

/** Where a key is counted in a minute. */
export interface Group {
  readonly minute: string;
  readonly key: string;
  parts: readonly { readonly row: Row; readonly values: Values }[];
}

export function rowBytes({ key, parts }: StoredRow): Buffer {
  return Buffer.from(JSON.stringify([key, parts]));
}

export function rowIn(raw: Buffer): StoredRow {
  const [key, parts] = JSON.parse(raw.toString()) as [string, StoredRow['parts']];
  return { key, parts };
}

/** The part of the row, which is made where there is none. Most often it is one of the last. */
export function partOf({ parts }: StoredRow, wanted: string, measures: readonly AnyMeasure[]): Values {
  for (let index = parts.length - 1; index >= 0; index--) {
    const [part, values] = parts[index] as (typeof parts)[number];
    if (part === wanted) return values;
  }
  const values = emptyValues(measures);
  parts.push([wanted, values]);
  return values;
}
