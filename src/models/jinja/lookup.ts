/** Attributes and items of values, and jinja2's tests (`is defined`). */
import { comparison, isIn } from './operators.ts';
import { methodOf } from './methods.ts';
import {
  Callable,
  Float,
  Lazy,
  Namespace,
  TemplateError,
  Thing,
  Tuple,
  Undefined,
  type Value,
  isEqual,
  keyOf,
  numberOf,
  typeName,
} from './values.ts';

/** `value.name`: a method, else an item of that name. @throws TemplateError where value is not there itself */
export function attribute(value: Value, name: string): Value {
  if (value instanceof Undefined) throw new TemplateError(`${value.what} is undefined`);
  if (value instanceof Thing && !value.attributes.has(name))
    throw new TemplateError(`the attribute ${name} is not supported`);
  if (value instanceof Namespace || value instanceof Thing)
    return orUndefined(value.attributes.get(name), `the attribute ${name}`);
  const method = methodOf(value, name);
  if (method) return method;
  if (value instanceof Map) return orUndefined(value.get(name), `the key ${name}`);
  if (value === null || typeof value !== 'object') throw new TemplateError(`a ${typeName(value)} has no ${name} here`);
  return new Undefined(`the attribute ${name}`);
}

/** `value[key]`: an item, else a method of that name. */
export function item(value: Value, key: Value): Value {
  const found = value instanceof Map ? value.get(keyOf(key)) : undefined;
  if (found !== undefined) return found;
  const list = typeof value === 'string' ? Array.from(value) : value instanceof Tuple ? value.items : value;
  if (Array.isArray(list) && typeof key === 'number')
    return orUndefined((list as readonly Value[]).at(key), 'the item');
  if (typeof key === 'string') return attribute(value, key);
  if (value instanceof Map) return new Undefined('the item');
  throw new TemplateError(`a ${typeName(value)} has no items by ${typeName(key)}`);
}

/** As filters name it: `a.b` is b of a, and 0 the first. */
export function attributeAt(value: Value, path: Value): Value {
  const parts = typeof path === 'string' ? path.split('.') : [path];
  return parts.reduce<Value>(
    (part, name) => item(part, typeof name === 'string' && /^\d+$/.test(name) ? Number(name) : name),
    value,
  );
}

/** None is there. */
function orUndefined(value: Value | undefined, what: string): Value {
  return value === undefined ? new Undefined(what) : value;
}

type Test = (self: Value, args: readonly Value[]) => boolean;

const compared =
  (operator: string): Test =>
  (self, [other = null]) =>
    comparison(operator, self, other);

const divides: Test = (self, [by = null]) => integer(self) % integer(by) === 0;

/** Those that jinja2 names; others are refused. */
const known: Readonly<Record<string, Test>> = {
  defined: (self: Value) => !(self instanceof Undefined),
  undefined: (self: Value) => self instanceof Undefined,
  none: (self: Value) => self === null,
  true: (self: Value) => self === true,
  false: (self: Value) => self === false,
  boolean: (self: Value) => typeof self === 'boolean',
  string: (self: Value) => typeof self === 'string',
  number: (self: Value) => numberOf(self) !== undefined,
  integer: (self: Value) => typeof self === 'number',
  float: (self: Value) => self instanceof Float,
  mapping: (self: Value) => self instanceof Map,
  sequence: (self: Value) =>
    typeof self === 'string' || [Array, Tuple, Map, Undefined].some((kind) => self instanceof kind),
  iterable: (self: Value) =>
    typeof self === 'string' ||
    Array.isArray(self) ||
    self instanceof Tuple ||
    self instanceof Lazy ||
    self instanceof Map ||
    self instanceof Undefined,
  callable: (self: Value) => self instanceof Callable,
  odd: (self: Value) => integer(self) % 2 !== 0,
  even: (self: Value) => integer(self) % 2 === 0,
  divisibleby: divides,
  in: (self: Value, [all = null]: readonly Value[]) => isIn(self, all),
  equalto: (self: Value, [other = null]: readonly Value[]) => isEqual(self, other),
  eq: compared('=='),
  ne: compared('!='),
  lt: compared('<'),
  le: compared('<='),
  gt: compared('>'),
  ge: compared('>='),
};

export function testNamed(name: string): Test {
  const test = Object.hasOwn(known, name) ? known[name] : undefined;
  if (test === undefined) throw new TemplateError(`the test ${name} is not supported`);
  return test;
}

function integer(value: Value): number {
  if (typeof value === 'number') return value;
  throw new TemplateError('this test takes whole numbers');
}
