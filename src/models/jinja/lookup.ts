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
  if (value instanceof Namespace || value instanceof Thing)
    return value.attributes.get(name) ?? new Undefined(`the attribute ${name}`);
  const method = methodOf(value, name);
  if (method) return method;
  if (value instanceof Map) return value.get(name) ?? new Undefined(`the key ${name}`);
  if (value === null || typeof value !== 'object') throw new TemplateError(`a ${typeName(value)} has no ${name} here`);
  return new Undefined(`the attribute ${name}`);
}

/** `value[key]` */
export function item(value: Value, key: Value): Value {
  if (value instanceof Map)
    return value.get(keyOf(key)) ?? (typeof key === 'string' ? new Undefined(`the key ${key}`) : missing);
  const list = typeof value === 'string' ? Array.from(value) : value instanceof Tuple ? value.items : value;
  if (Array.isArray(list) && typeof key === 'number') return (list as readonly Value[]).at(key) ?? missing;
  if (typeof key === 'string') return attribute(value, key);
  throw new TemplateError(`a ${typeName(value)} has no items by ${typeName(key)}`);
}

const missing = new Undefined('the item');

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
    typeof self === 'string' || Array.isArray(self) || self instanceof Tuple || self instanceof Map,
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
