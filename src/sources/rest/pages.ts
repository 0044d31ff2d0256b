/** The bytes of an answer -> what it says of itself, and its items, each with the bytes in which it came. */
import { isUtf8 } from 'node:buffer';
import { Fault } from '../../errors.ts';
import { nestsTooDeep } from '../../event/json-nesting.ts';
import { elementSpans, memberSpan, type Span } from '../../event/json-member.ts';
import { isObject } from '../../event/json-object.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import { describeValue } from '../../schemas/describe-value.ts';
import { Passing } from './retries.ts';

export interface Page {
  readonly items: readonly PulledItem[];
  /** The whole answer. */
  readonly said: unknown;
  /** How many there are in all, where it says so. */
  readonly total: number | undefined;
}

/** A part of some bytes, which is copied at most once: a Buffer for each item would cost as much as all the rest. */
export interface Piece {
  readonly body: Buffer;
  readonly start: number;
  readonly end: number;
}

/** With its bytes, on one line. */
export interface PulledItem extends Piece {
  readonly value: unknown;
}

export function bytesOf({ body, start, end }: Piece): Buffer {
  return body.subarray(start, end);
}

/** In 60 MB and a fifth of a second; what is smaller than so many brackets need not be looked through. */
const mostLevels = 500_000;

/** @throws Passing where it is not whole or contradicts itself; Fault PULL_REFUSED where it has no items where they should be */
export function readPage(body: Buffer, { name, items: path, count, total }: Pull): Page {
  if (nestsTooDeep(body, mostLevels))
    throw new Fault('PULL_REFUSED', `pull ${name}: the answer has more than ${mostLevels} levels of nesting`);
  const said = parse(body);
  const values = path === undefined ? said : memberAt(said, path);
  const where = path === undefined ? 'the answer' : `member ${path} of the answer`;
  if (!Array.isArray(values)) throw new Fault('PULL_REFUSED', `pull ${name}: ${where} is no array`);
  const counted = count === undefined ? values.length : memberAt(said, count);
  if (counted !== values.length)
    throw new Passing(`the answer names ${describeValue(counted)} as the count of its items, and has ${values.length}`);
  const lines = onOneLine(body);
  const spans = elementSpans(lines, path === undefined ? lines.indexOf('[') : arrayAt(lines, path));
  const items = values.map((value: unknown, index): PulledItem => {
    const { start, end } = spans[index] as Span;
    return { value, body: lines, start, end };
  });
  return { items, said, total: total === undefined ? undefined : wholeNumberAt(said, total) };
}

function parse(body: Buffer): unknown {
  if (!isUtf8(body)) throw new Passing('the answer is no UTF-8');
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Passing('the answer is no JSON');
  }
}

/** Undefined where there is none. */
export function memberAt(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((part, name) => (isObject(part) && Object.hasOwn(part, name) ? part[name] : undefined), value);
}

/** Where the array begins. */
function arrayAt(body: Buffer, path: string): number {
  let from = 0;
  let part = body;
  for (const name of path.split('.')) {
    const { start, end } = memberSpan(part, name) as Span;
    part = part.subarray(start, end);
    from += start;
  }
  return from;
}

function wholeNumberAt(said: unknown, path: string): number {
  const value = memberAt(said, path);
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw new Passing(`member ${path} of the answer is no whole number`);
}

/** A line feed in JSON is whitespace wherever it stands. */
function onOneLine(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  return Buffer.from(json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}
