/**
 * An event as a line: a JSON array with a cell for each column. Everything has its place: what the schema names in its column, a record
 * in a cell of cells, and what it does not name, at whatever depth, in the last column. A value that its column cannot hold as it is
 * (an integer that a double has rounded, half of a surrogate pair, another type than the schema's) is refused.
 */
import { isObject } from '../../../event/json-object.ts';
import { Reject } from '../../../event/reject.ts';
import { json, stringifyEvent } from '../../../event/verbatim.ts';
import { describeValue } from '../../../schemas/describe-value.ts';
import type { Member, ScalarType } from '../../../schemas/members/member.ts';

/** In JSON: what is null, text, number, boolean or a record. */
export type Cell = null | string | number | boolean | readonly Cell[];

/** Members that have no column; undefined where there are none. */
type Rest = Record<string, unknown> | undefined;

const lastColumn = 'others';

/** The columns of events: `others`, or a name of which the schema has none, comes last. @param verbatim members whose text is kept as it was sent */
export function columnsOf(members: readonly Member[], verbatim: readonly string[]): readonly Member[] {
  const asSent = verbatim.map((name): Member => ({ name, type: 'json' }));
  const named = members.map((member) => asSent.find(({ name }) => name === member.name) ?? member);
  const columns = [...new Set([...named, ...asSent])];
  const taken = new Set(columns.map(({ name }) => name.toLowerCase())); // readers take A and a for one
  let last = lastColumn;
  while (taken.has(last)) last += '_';
  return [...columns, { name: last, type: 'json' }];
}

/** @param columns as `columnsOf` has them @throws Reject */
export function rowLine(columns: readonly Member[], event: object): string {
  const { cells, rest } = cellsOf(columns.slice(0, -1), event, []);
  return JSON.stringify([...cells, rest === undefined ? null : stringifyEvent(rest)]);
}

function cellsOf(members: readonly Member[], record: object, path: readonly string[]): { cells: Cell[]; rest: Rest } {
  const cells: Cell[] = [];
  let rest: Rest;
  for (const { name, type } of members) {
    const value: unknown = Object.hasOwn(record, name) ? record[name as keyof object] : null;
    if (value === null || value === undefined) cells.push(null);
    else if (typeof type === 'string') cells.push(scalarAt(type, value, [...path, name]));
    else {
      const within = recordAt(type, value, [...path, name]);
      cells.push(within.cells);
      if (within.rest !== undefined) rest = withMember(rest, name, within.rest);
    }
  }
  for (const name of Object.keys(record)) {
    const value: unknown = record[name as keyof object];
    if (value !== undefined && !members.some((member) => member.name === name)) rest = withMember(rest, name, value);
  }
  return { cells, rest };
}

function recordAt(members: readonly Member[], value: unknown, path: readonly string[]) {
  if (isObject(value)) return cellsOf(members, value, path);
  throw misfit(path, 'an object', value);
}

/** `__proto__` is an ordinary name. */
function withMember(rest: Rest, name: string, value: unknown): Record<string, unknown> {
  const members = rest ?? (Object.create(null) as Record<string, unknown>);
  members[name] = value;
  return members;
}

interface Scalar {
  /** Undefined for what it cannot be. */
  readonly cell: (value: unknown) => Cell | undefined;
  readonly expected: string;
}

const text: Scalar = {
  cell: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
  expected: 'text of whole characters',
};

const scalars: Readonly<Record<ScalarType, Scalar>> = {
  text,
  name: { ...text, cell: (value) => (Number.isInteger(value) ? String(value) : text.cell(value)) },
  integer: {
    cell: (value) => integerCell(value, -(2n ** 63n), 2n ** 63n - 1n),
    expected: 'a whole number of 64 bits (as a JSON number up to 2^53 - 1)',
  },
  unsigned: {
    cell: (value) => integerCell(value, 0n, 2n ** 64n - 1n),
    expected: 'a whole number of 64 bits from 0 (as a JSON number up to 2^53 - 1)',
  },
  number: {
    cell: (value) => (Number.isFinite(value) ? doubleCell(value) : undefined),
    expected: 'a number that a double can hold',
  },
  double: { cell: doubleCell, expected: 'a number' },
  boolean: { cell: (value) => (typeof value === 'boolean' ? value : undefined), expected: 'true or false' },
  bytes: {
    cell: (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : undefined),
    expected: 'bytes',
  },
  json: { cell: (value) => json(value as object), expected: 'JSON' },
};

function scalarAt(type: ScalarType, value: unknown, path: readonly string[]): Cell {
  const { cell, expected } = scalars[type];
  const found = cell(value);
  if (found === undefined) throw misfit(path, expected, value);
  return found;
}

/** Above what a double counts exactly, as Protobuf has it: a string of digits. */
function integerCell(value: unknown, min: bigint, max: bigint): Cell | undefined {
  const isExact =
    typeof value === 'bigint' ||
    Number.isSafeInteger(value) ||
    (typeof value === 'string' && /^-?\d{1,20}$/.test(value));
  if (!isExact) return undefined;
  const whole = BigInt(value as bigint | number | string);
  return whole >= min && whole <= max ? String(whole) : undefined;
}

/** JSON has no other numbers than those that are finite, and only one zero. */
function doubleCell(value: unknown): Cell | undefined {
  if (typeof value !== 'number') return undefined;
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function misfit(path: readonly string[], what: string, value: unknown): Reject {
  return new Reject(path.join('.'), `expected ${what}, for objects in Parquet, got ${describeValue(value)}`);
}
