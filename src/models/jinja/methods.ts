/** Methods of text, lists and dictionaries, as in Python; a method that is not here is refused where it is called. */
import { asInteger, asText, bind } from './arguments.ts';
import {
  Callable,
  type Dict,
  type Keywords,
  TemplateError,
  Tuple,
  type Value,
  View,
  isEqual,
  itemsOf,
  keyOf,
  textOf,
} from './values.ts';

type Method<T> = (self: T, args: readonly Value[], keywords: Keywords) => Value;

const whitespace = String.raw`[\s\u001c-\u001f\u0085]`;

const ofText: Readonly<Record<string, Method<string>>> = {
  upper: (self, args, keywords) => none('upper', args, keywords) ?? self.toUpperCase(),
  lower: (self, args, keywords) => none('lower', args, keywords) ?? self.toLowerCase(),
  capitalize: (self, args, keywords) =>
    none('capitalize', args, keywords) ?? self.slice(0, 1).toUpperCase() + self.slice(1).toLowerCase(),
  strip: (self, args, keywords) => trimmed('strip', self, args, keywords, true, true),
  lstrip: (self, args, keywords) => trimmed('lstrip', self, args, keywords, true, false),
  rstrip: (self, args, keywords) => trimmed('rstrip', self, args, keywords, false, true),
  startswith: (self, args, keywords) =>
    self.startsWith(asText('startswith', bind('startswith', ['prefix'], args, keywords)[0])),
  endswith: (self, args, keywords) =>
    self.endsWith(asText('endswith', bind('endswith', ['suffix'], args, keywords)[0])),
  replace: (self, args, keywords) => {
    const [from, to] = bind('replace', ['old', 'new'], args, keywords);
    return self.replaceAll(asText('replace', from), () => asText('replace', to));
  },
  split: (self, args, keywords) => split(self, bind('split', ['sep?'], args, keywords)[0]),
  join: (self, args, keywords) => {
    const [items] = bind('join', ['items'], args, keywords);
    return itemsOf(items ?? null)
      .map((item) => asText('join', item))
      .join(self);
  },
  format: (self, args, keywords) => format(self, args, keywords),
};

const ofList: Readonly<Record<string, Method<Value[]>>> = {
  append: (self, args, keywords) => {
    self.push(bind('append', ['item'], args, keywords)[0] ?? null);
    return null;
  },
  extend: (self, args, keywords) => {
    self.push(...itemsOf(bind('extend', ['items'], args, keywords)[0] ?? null));
    return null;
  },
  insert: (self, args, keywords) => {
    const [at, item] = bind('insert', ['at', 'item'], args, keywords);
    self.splice(asInteger('insert', at), 0, item ?? null);
    return null;
  },
  pop: (self, args, keywords) => {
    const [at] = bind('pop', ['at?'], args, keywords);
    const index = at === undefined ? -1 : asInteger('pop', at);
    const [item] = index < -self.length ? [] : self.splice(index, 1);
    if (item === undefined) throw new TemplateError('there is nothing to pop');
    return item;
  },
  index: (self, args, keywords) => {
    const [item] = bind('index', ['item'], args, keywords);
    const at = self.findIndex((other) => isEqual(other, item ?? null));
    if (at < 0) throw new TemplateError('what index looks for is not in the list');
    return at;
  },
  count: (self, args, keywords) => {
    const [item] = bind('count', ['item'], args, keywords);
    return self.filter((other) => isEqual(other, item ?? null)).length;
  },
};

const ofDict: Readonly<Record<string, Method<Dict>>> = {
  items: (self) => View.from(self, (pair) => new Tuple(pair)),
  keys: (self) => View.from(self.keys()),
  values: (self) => View.from(self.values()),
  copy: (self) => new Map(self),
  get: (self, args, keywords) => {
    const [key, instead] = bind('get', ['key', 'default?'], args, keywords);
    const found = self.get(keyOf(key ?? null));
    return found === undefined ? (instead ?? null) : found;
  },
  update: (self, args, keywords) => {
    const [other] = bind('update', ['other?'], args, new Map());
    if (other instanceof Map) for (const [key, value] of other) self.set(key, value);
    else if (other !== undefined) throw new TemplateError('update takes a dictionary');
    for (const [key, value] of keywords) self.set(key, value);
    return null;
  },
  setdefault: (self, args, keywords) => {
    const [key, instead] = bind('setdefault', ['key', 'default?'], args, keywords);
    const at = keyOf(key ?? null);
    if (!self.has(at)) self.set(at, instead ?? null);
    return self.get(at) ?? null;
  },
  pop: (self, args, keywords) => {
    const [key, instead] = bind('pop', ['key', 'default?'], args, keywords);
    const at = keyOf(key ?? null);
    const found = self.has(at) ? self.get(at) : instead;
    if (found === undefined) throw new TemplateError(`there is no ${textOf(at)} to pop`);
    self.delete(at);
    return found;
  },
};

export function methodOf(self: Value, name: string): Callable | undefined {
  if (typeof self === 'string') return bound(ofText, self, name);
  if (Array.isArray(self)) return bound(ofList, self, name);
  return self instanceof Map ? bound(ofDict, self, name) : undefined;
}

function bound<T>(methods: Readonly<Record<string, Method<T>>>, self: T, name: string): Callable | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && new Callable(name, (args, keywords) => method(self, args, keywords));
}

function none(name: string, args: readonly Value[], keywords: Keywords): undefined {
  bind(name, [], args, keywords);
}

function trimmed(
  name: string,
  self: string,
  args: readonly Value[],
  keywords: Keywords,
  atStart: boolean,
  atEnd: boolean,
): string {
  const [chars] = bind(name, ['chars?'], args, keywords);
  const kind = chars === undefined || chars === null ? whitespace : `[${escape(asText(name, chars))}]`;
  const start = atStart ? self.replace(new RegExp(`^(?:${kind})+`, 'u'), '') : self;
  return atEnd ? start.replace(new RegExp(`(?:${kind})+$`, 'u'), '') : start;
}

function escape(chars: string): string {
  return chars.replaceAll(/[\\\]^-]/g, String.raw`\$&`);
}

function split(self: string, separator: Value | undefined): Value {
  if (separator === undefined || separator === null) return self.split(/\s+/u).filter((part) => part !== '');
  const by = asText('split', separator);
  if (by === '') throw new TemplateError('split takes text that is not empty');
  return self.split(by);
}

/** `'{} {0} {name}'.format(...)`; conversions and specifications are refused. */
function format(text: string, args: readonly Value[], keywords: Keywords): string {
  let next = 0;
  return text.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field?: string) => {
    if (whole === '{{' || whole === '}}') return whole.slice(1);
    if (field === undefined || /[^\w]/.test(field)) throw new TemplateError(`the format ${whole} is not supported`);
    const value = field === '' ? args[next++] : /^\d+$/.test(field) ? args[Number(field)] : keywords.get(field);
    if (value === undefined) throw new TemplateError(`there is no value for ${whole}`);
    return textOf(value);
  });
}
