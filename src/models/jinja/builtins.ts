/** The names that jinja2 itself gives every template. */
import { asInteger, bind } from './arguments.ts';
import { Callable, Namespace, TemplateError, type Value, View, itemsOf } from './values.ts';

const mostNumbers = 100_000;

export const builtins: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['True', true],
  ['False', false],
  ['None', null],
  ['range', new Callable('range', (args) => range(args))],
  ['dict', new Callable('dict', (args, keywords) => new Map<Value, Value>([...pairsOf(args), ...keywords]))],
  [
    'namespace',
    new Callable('namespace', (args, keywords) => {
      bind('namespace', [], args, new Map());
      return new Namespace(new Map(keywords));
    }),
  ],
]);

function pairsOf([given, ...more]: readonly Value[]): readonly [Value, Value][] {
  if (more.length > 0) throw new TemplateError('dict takes at most one argument');
  if (given === undefined) return [];
  if (given instanceof Map) return [...given];
  return itemsOf(given).map((pair) => {
    const [key, value] = itemsOf(pair);
    return [key ?? null, value ?? null];
  });
}

function range(args: readonly Value[]): Value {
  const [first, second, third] = args.map((arg) => asInteger('range', arg));
  const [start, stop, step] = second === undefined ? [0, first ?? 0, 1] : [first ?? 0, second, third ?? 1];
  if (step === 0) throw new TemplateError('the step of range is 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > mostNumbers) throw new TemplateError(`range makes at most ${mostNumbers} numbers`);
  return View.from({ length: count }, (_, i) => start + i * step);
}
