/**
 * The values of templates: Python's. Numbers without a point are JavaScript's; those with one are `Float`, since 1.0 and 1 print
 * differently. What prints, compares and counts as true does so as in Python.
 */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What some filters give: items to be gone through once, always true, without a length, and nothing to print. */
export class Lazy {
  readonly #items: readonly Value[];
  #isRead = false;
  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  read(): readonly Value[] {
    if (this.#isRead) throw new TemplateError('what this filter gave can be read once only: add | list');
    this.#isRead = true;
    return this.#items;
  }
}

/** What `range` gives, and keys, values and items of a dictionary: lists to go through, which print otherwise. */
export class View extends Array<Value> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** Something that is not there: printing it is an error, unless it has a text. */
export class Undefined {
  readonly what: string;
  readonly text: string | undefined;
  constructor(what: string, text?: string) {
    this.what = what;
    this.text = text;
  }
}

/** `namespace()`: the only object whose attributes a template sets. */
export class Namespace {
  readonly attributes: Map<string, Value>;
  constructor(attributes: Map<string, Value>) {
    this.attributes = attributes;
  }
}

/** An object of dbt's: attributes, and how it prints, where it does. */
export class Thing {
  readonly attributes: ReadonlyMap<string, Value>;
  readonly text: string | undefined;
  /** Where it can be called. */
  readonly call: Call | undefined;
  constructor(attributes: ReadonlyMap<string, Value>, text?: string, call?: Call) {
    this.attributes = attributes;
    this.text = text;
    this.call = call;
  }
}

export type Keywords = ReadonlyMap<string, Value>;
export type Call = (args: readonly Value[], keywords: Keywords) => Value;

export class Callable {
  readonly name: string;
  readonly call: Call;
  constructor(name: string, call: Call) {
    this.name = name;
    this.call = call;
  }
}

export type Dict = Map<Value, Value>;
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Value[]
  | Tuple
  | Lazy
  | Dict
  | Namespace
  | Thing
  | Callable
  | Undefined;

/** What a template did that cannot go on; the interpreter adds file and line. */
export class TemplateError extends Error {}

export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Map) return value.size > 0;
  return true;
}

/** As `{{ value }}` prints it. */
export function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined && value.text !== undefined) return value.text;
  if (value instanceof Undefined) throw new TemplateError(`${value.what} is undefined`);
  return reprOf(value);
}

export function reprOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return integerText(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof View) throw new TemplateError('this is no list, and prints differently: add | list');
  if (Array.isArray(value)) return `[${value.map(reprOf).join(', ')}]`;
  if (value instanceof Tuple)
    return value.items.length === 1
      ? `(${value.items.map(reprOf).join('')},)`
      : `(${value.items.map(reprOf).join(', ')})`;
  if (value instanceof Map)
    return `{${Array.from(value, ([key, member]) => `${reprOf(key)}: ${reprOf(member)}`).join(', ')}}`;
  if (value instanceof Thing && value.text !== undefined) return value.text;
  throw new TemplateError(`this ${typeName(value)} is nothing to print`);
}

function integerText(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TemplateError('whole numbers over 2^53 are not supported');
  return String(value);
}

function floatText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return Object.is(value, -0) ? '-0.0' : value.toFixed(1);
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e16 || size < 1e-4)
    throw new TemplateError('a number so large or so small prints differently in Python: write it as text');
  return String(value);
}

/** As Python quotes: in ' unless that is in the text and " is not. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replaceAll(/[\\\n\r\t]|\p{C}|\p{Zl}|\p{Zp}|\p{Zs}/gu, (c) => {
    if (c === ' ') return c;
    const named: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    const code = c.codePointAt(0) ?? 0;
    if (named[c] !== undefined) return named[c];
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x1_00_00 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return quote + body.replaceAll(quote, `\\${quote}`) + quote;
}

export function typeName(value: Value): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'dict';
  if (typeof value === 'object') return value.constructor.name.toLowerCase();
  return typeof value;
}

/** The number that it is for arithmetic, or undefined where it is none. True is 1. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : undefined;
}

export function isEqual(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b);
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items);
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && Array.from(a).every(([key, value]) => hasEqual(b, key, value));
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (a instanceof Thing && b instanceof Thing) return a.text !== undefined && a.text === b.text;
  return a === b;
}

function hasEqual(map: Dict, key: Value, value: Value): boolean {
  const other = map.get(keyOf(key));
  return other !== undefined && isEqual(value, other);
}

function sameItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => isEqual(item, b[i] ?? null));
}

/** Below, at or above 0. Text by code points. */
export function compare(a: Value, b: Value): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const [p, q] = [Array.isArray(a) ? a : undefined, Array.isArray(b) ? b : undefined];
  const [s, t] = [p ?? (a instanceof Tuple ? a.items : undefined), q ?? (b instanceof Tuple ? b.items : undefined)];
  if (s === undefined || t === undefined || (p === undefined) !== (q === undefined))
    throw new TemplateError(`a ${typeName(a)} and a ${typeName(b)} have no order`);
  for (const [i, item] of s.entries()) {
    const other = t[i];
    if (other === undefined) return 1;
    if (!isEqual(item, other)) return compare(item, other);
  }
  return s.length - t.length;
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const [p, q] = [Array.from(a), Array.from(b)];
  for (const [i, c] of p.entries()) {
    const d = q[i];
    if (d === undefined) return 1;
    if (c !== d) return (c.codePointAt(0) ?? 0) - (d.codePointAt(0) ?? 0);
  }
  return -1;
}

/** Keys of dictionaries: 1, 1.0 and true are one in Python. */
export function keyOf(value: Value): Value {
  if (typeof value === 'string' || value === null) return value;
  const number = numberOf(value);
  if (number !== undefined && typeof value === 'number') return value;
  throw new TemplateError(`a ${typeName(value)} as a key of a dictionary is not supported`);
}

/** What a loop goes through. */
export function itemsOf(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Lazy) return value.read();
  if (value instanceof Map) return [...value.keys()];
  if (typeof value === 'string') return Array.from(value);
  if (value instanceof Undefined && value.text === '') return [];
  throw new TemplateError(
    value instanceof Undefined ? `${value.what} is undefined` : `a ${typeName(value)} has no items`,
  );
}
