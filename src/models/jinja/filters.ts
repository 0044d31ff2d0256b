/** jinja2's filters that projects use; others are refused where they stand. */
import { asInteger, asText, bind } from './arguments.ts';
import { attributeAt, testNamed } from './lookup.ts';
import { methodOf } from './methods.ts';
import { formatPercent } from './operators.ts';
import { jsonOf } from './json.ts';
import {
  Float,
  Lazy,
  type Keywords,
  TemplateError,
  Tuple,
  Undefined,
  type Value,
  compare,
  isEqual,
  isTrue,
  itemsOf,
  numberOf,
  textOf,
} from './values.ts';

type Filter = (self: Value, args: readonly Value[], keywords: Keywords) => Value;

/** Text that has been trimmed, and the like: filters that are methods of text. */
const method =
  (name: string): Filter =>
  (self, args, keywords) =>
    methodOf(textOf(self), name)?.call(args, keywords) ?? null;

const simple =
  (name: string, filter: (self: Value) => Value): Filter =>
  (self, args, keywords) => {
    bind(name, [], args, keywords);
    return filter(self);
  };

export const filters: Readonly<Record<string, Filter>> = {
  upper: method('upper'),
  lower: method('lower'),
  capitalize: method('capitalize'),
  replace: method('replace'),
  trim: method('strip'),
  string: simple('string', textOf),
  length: simple('length', sizeOf),
  count: simple('count', sizeOf),
  list: simple('list', (self) => [...itemsOf(self)]),
  first: simple('first', (self) => oneOf(itemsOf(self).slice(0, 1), 'first')),
  last: simple('last', (self) => oneOf(itemsOf(self).slice(-1), 'last')),
  reverse: simple('reverse', (self) =>
    typeof self === 'string' ? Array.from(self).toReversed().join('') : new Lazy(itemsOf(self).toReversed()),
  ),
  items: simple('items', (self) => new Lazy(itemsOf(methodOf(self, 'items')?.call([], new Map()) ?? []))),
  abs: simple('abs', (self) =>
    self instanceof Float ? new Float(Math.abs(self.value)) : Math.abs(asInteger('abs', self)),
  ),
  // For pages: sorted, and without what HTML reads.
  tojson: simple('tojson', (self) =>
    jsonOf(self, true).replaceAll(/[<>&']/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
  ),
  default: orElse,
  d: orElse,
  join: (self, args, keywords) => {
    const [by, of] = bind('join', ['d?', 'attribute?'], args, keywords);
    const items = of === undefined ? itemsOf(self) : itemsOf(self).map((item) => attributeAt(item, of));
    return items.map(textOf).join(by === undefined ? '' : textOf(by));
  },
  int: (self, args, keywords) => {
    const [instead] = bind('int', ['default?'], args, keywords);
    const number = typeof self === 'string' ? numberIn(self) : numberOf(self);
    if (number === undefined) return instead === undefined ? 0 : instead;
    return Math.trunc(number);
  },
  float: (self, args, keywords) => {
    const [instead] = bind('float', ['default?'], args, keywords);
    const number = typeof self === 'string' ? numberIn(self) : numberOf(self);
    if (number === undefined) return instead === undefined ? new Float(0) : instead;
    return new Float(number);
  },
  sort: (self, args, keywords) => {
    const [reverse, exact, of] = bind('sort', ['reverse?', 'case_sensitive?', 'attribute?'], args, keywords);
    const key = keyed(of, exact !== undefined && isTrue(exact));
    const isReverse = reverse !== undefined && isTrue(reverse);
    return itemsOf(self).toSorted((a, b) => (isReverse ? compare(key(b), key(a)) : compare(key(a), key(b))));
  },
  dictsort: (self, args, keywords) => {
    const [exact, by, reverse] = bind('dictsort', ['case_sensitive?', 'by?', 'reverse?'], args, keywords);
    if (!(self instanceof Map)) throw new TemplateError('dictsort takes a dictionary');
    const at = by === 'value' ? 1 : 0;
    const key = keyed(undefined, exact !== undefined && isTrue(exact));
    const sign = reverse !== undefined && isTrue(reverse) ? -1 : 1;
    const pairs = Array.from(self).toSorted((a, b) => sign * compare(key(a[at]), key(b[at])));
    return pairs.map((pair) => new Tuple(pair));
  },
  unique: (self, args, keywords) => {
    const [exact, of] = bind('unique', ['case_sensitive?', 'attribute?'], args, keywords);
    const key = keyed(of, exact !== undefined && isTrue(exact));
    return new Lazy(
      itemsOf(self).filter((item, i, all) => all.findIndex((other) => isEqual(key(other), key(item))) === i),
    );
  },
  sum: (self, args, keywords) => {
    const [of] = bind('sum', ['attribute?'], args, keywords);
    const items = of === undefined ? itemsOf(self) : itemsOf(self).map((item) => attributeAt(item, of));
    const total = items.reduce((sum: number, item) => sum + (numberOf(item) ?? NaN), 0);
    if (Number.isNaN(total)) throw new TemplateError('sum takes numbers');
    return items.some((item) => item instanceof Float) ? new Float(total) : total;
  },
  min: simple('min', (self) => extreme(self, -1)),
  max: simple('max', (self) => extreme(self, 1)),
  map: (self, args, keywords) => {
    const of = keywords.get('attribute');
    if (of !== undefined) {
      bind('map', ['attribute'], args, keywords);
      return new Lazy(itemsOf(self).map((item) => attributeAt(item, of)));
    }
    const [name, ...more] = args;
    return new Lazy(itemsOf(self).map((item) => applyFilter(asText('map', name), item, more, keywords)));
  },
  select: (self, args) => new Lazy(itemsOf(self).filter((item) => passes(item, args))),
  reject: (self, args) => new Lazy(itemsOf(self).filter((item) => !passes(item, args))),
  selectattr: (self, [of = '', ...test]) =>
    new Lazy(itemsOf(self).filter((item) => passes(attributeAt(item, of), test))),
  rejectattr: (self, [of = '', ...test]) =>
    new Lazy(itemsOf(self).filter((item) => !passes(attributeAt(item, of), test))),
  indent: (self, args, keywords) => {
    const [width, first] = bind('indent', ['width?', 'first?'], args, keywords);
    const by = ' '.repeat(width === undefined ? 4 : asInteger('indent', width));
    const lines = textOf(self).split('\n');
    return lines
      .map((line, i) => ((i > 0 ? line !== '' : first !== undefined && isTrue(first)) ? by + line : line))
      .join('\n');
  },
  format: (self, args, keywords) => {
    if (keywords.size > 0) throw new TemplateError('format by name is not supported');
    return formatPercent(asText('format', self), new Tuple(args));
  },
};

export function applyFilter(name: string, self: Value, args: readonly Value[], keywords: Keywords): Value {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined) throw new TemplateError(`the filter ${name} is not supported`);
  return filter(self, args, keywords);
}

function orElse(self: Value, args: readonly Value[], keywords: Keywords): Value {
  const [instead, alsoFalse] = bind('default', ['default_value?', 'boolean?'], args, keywords);
  const isMissing = self instanceof Undefined || (alsoFalse !== undefined && isTrue(alsoFalse) && !isTrue(self));
  if (!isMissing) return self;
  return instead === undefined ? '' : instead;
}

function sizeOf(self: Value): number {
  if (self instanceof Lazy) throw new TemplateError('what this filter gave has no length: add | list');
  return itemsOf(self).length;
}

function oneOf([item]: readonly Value[], which: string): Value {
  return item === undefined ? new Undefined(`the ${which} of nothing`) : item;
}

/** @throws TemplateError for what Python alone reads as a number */
function numberIn(text: string): number | undefined {
  if (/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text)) return Number(text);
  if (/^\s*[+-]?(inf|infinity|nan|[\d._e+-]*\d_\d[\d._e+-]*)\s*$/i.test(text))
    throw new TemplateError(`the number ${text.trim()} is not supported`);
  return undefined;
}

/** jinja2 sorts text by its lower case, unless told otherwise. */
function keyed(of: Value | undefined, exact: boolean): (item: Value | undefined) => Value {
  return (item = null) => {
    const value = of === undefined || of === null ? item : attributeAt(item, of);
    return typeof value === 'string' && !exact ? value.toLowerCase() : value;
  };
}

function extreme(self: Value, sign: number): Value {
  const key = keyed(undefined, false);
  const [first, ...rest] = itemsOf(self);
  if (first === undefined) return new Undefined('the extreme of nothing');
  return rest.reduce((best, item) => (sign * compare(key(item), key(best)) > 0 ? item : best), first);
}

function passes(item: Value, [name, ...args]: readonly Value[]): boolean {
  if (name === undefined) return isTrue(item);
  return testNamed(asText('a test', name))(item, args);
}
