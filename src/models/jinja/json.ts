/** `tojson` and `fromjson`, as Python's json writes and reads. */
import {
  type Dict,
  Float,
  TemplateError,
  Tuple,
  Undefined,
  type Value,
  compareText,
  reprOf,
  textOf,
  typeName,
} from './values.ts';

export function jsonOf(value: Value, isSorted: boolean): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || value instanceof Float) return reprOf(value);
  if (typeof value === 'string') return asciiJson(value);
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = Array.isArray(value) ? value : value.items;
    return `[${items.map((item) => jsonOf(item, isSorted)).join(', ')}]`;
  }
  if (value instanceof Map) {
    const pairs = Array.from(value, ([key, member]) => [textOf(key), member] as const);
    if (isSorted) pairs.sort(([a], [b]) => compareText(a, b));
    return `{${pairs.map(([key, member]) => `${asciiJson(key)}: ${jsonOf(member, isSorted)}`).join(', ')}}`;
  }
  throw new TemplateError(`a ${typeName(value)} has no JSON`);
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** @param value what JSON, YAML or a file of settings gave */
export function valueOf(value: unknown): Value {
  if (value === undefined) return new Undefined('the value');
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? value : new Float(value);
  if (value instanceof Float) return value;
  if (Array.isArray(value)) return value.map(valueOf);
  if (typeof value === 'object') return dictOf(value);
  throw new TemplateError(`a ${typeof value} is no value of a template`);
}

function dictOf(value: object): Dict {
  return new Map(
    Object.entries(value).map(([key, member]) => {
      if (/^\d+$/.test(key)) throw new TemplateError(`the key ${key} is not supported: whole numbers lose their order`);
      return [key, valueOf(member)];
    }),
  );
}

/** @throws SyntaxError */
export function parseJson(text: string): Value {
  return valueOf(JSON.parse(text, asPython as (key: string, value: unknown) => unknown));
}

/** 1.0 is none of the whole numbers, and those that a double does not hold are told. */
function asPython(_key: string, value: unknown, { source = '' }: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  if (/[.eE]/.test(source)) return new Float(value);
  if (!Number.isSafeInteger(value)) throw new TemplateError('whole numbers over 2^53 are not supported');
  return value;
}
