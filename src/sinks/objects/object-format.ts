/** What the objects of events are: how an event is kept in memory until its batch lands, as a line of text, and what becomes of those lines. */
import type { ObjectExtension } from '../object-name.ts';

export interface ObjectFormat<E> {
  readonly extension: ObjectExtension;
  /** The event on one line, without the line's end. @throws Reject for what it is */
  readonly serialise: (event: E) => string;
  /** An object of these lines, each with its end: a pure function of them, in every process (D3). */
  readonly bodyOf: (lines: Buffer) => Buffer | Promise<Buffer>;
}

/** Newline-delimited JSON. */
export function ndjson<E>(serialise: (event: E) => string): ObjectFormat<E> {
  return { extension: 'json', serialise, bodyOf: (lines) => lines };
}
