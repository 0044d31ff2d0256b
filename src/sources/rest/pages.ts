/** The bytes of an answer -> what it says of itself, and its items, each with the bytes in which it came. */
import { isUtf8 } from 'node:buffer';
import { Fault } from '../../errors.ts';
import { memberSpan } from '../../event/json-member.ts';
import { isObject } from '../../event/json-object.ts';
import { splitJson } from '../../ingest/split-json.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import { Passing } from './retries.ts';

export interface Page {
  readonly items: readonly PulledItem[];
  /** The whole answer. */
  readonly said: unknown;
  /** How many there are in all, where it says so. */
  readonly total: number | undefined;
}

export interface PulledItem {
  readonly value: unknown;
  /** On one line. */
  readonly bytes: Buffer;
}

/** @throws Passing where it is not whole or contradicts itself; Fault PULL_REFUSED where it has no items where they should be */
export function readPage(body: Buffer, { name, items: path, count, total }: Pull): Page {
  const said = parse(body);
  const values = path === undefined ? said : memberAt(said, path);
  const where = path === undefined ? 'the answer' : `member ${path} of the answer`;
  if (!Array.isArray(values)) throw new Fault('PULL_REFUSED', `pull ${name}: ${where} is no array`);
  const counted = count === undefined ? values.length : memberAt(said, count);
  if (counted !== values.length)
    throw new Passing(`the answer says that it has ${String(counted)} items, and has ${values.length}`);
  const pieces = splitJson().push(path === undefined ? body : bytesAt(body, path));
  const items = values.map((value: unknown, index) => ({ value, bytes: onOneLine(pieces[index]?.bytes as Buffer) }));
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

function bytesAt(body: Buffer, path: string): Buffer {
  return path.split('.').reduce((part, name) => {
    const { start, end } = memberSpan(part, name) ?? { start: 0, end: 0 };
    return part.subarray(start, end);
  }, body);
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
