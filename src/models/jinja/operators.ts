/** `+ - * / // % ** ~ in` and comparisons, as Python does them. */
import {
  Float,
  Thing,
  Tuple,
  Undefined,
  type Value,
  TemplateError,
  compare,
  isEqual,
  itemsOf,
  keyOf,
  numberOf,
  textOf,
  typeName,
} from './values.ts';

/** @param operator as nunjucks' parser names it */
export function operate(operator: string, left: Value, right: Value): Value {
  if (operator === 'Concat') return textOf(left) + textOf(right);
  for (const side of [left, right]) if (side instanceof Undefined) throw new TemplateError(`${side.what} is undefined`);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    const isFloat = left instanceof Float || right instanceof Float;
    return calculate(operator, a, b, isFloat);
  }
  if (operator === 'Add') {
    if (typeof left === 'string' && typeof right === 'string') return left + right;
    if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
    if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items]);
  }
  if (operator === 'Mul' && typeof right === 'number') {
    if (typeof left === 'string') return left.repeat(Math.max(0, right));
    if (Array.isArray(left)) return repeated(left, right);
  }
  if (operator === 'Mod' && typeof left === 'string') return formatPercent(left, right);
  throw new TemplateError(`${operator.toLowerCase()} of a ${typeName(left)} and a ${typeName(right)} is not possible`);
}

/** As many as `range` gives would do for any project; a slip of the pen must not take all memory. */
const mostItems = 1_000_000;

function repeated(items: readonly Value[], times: number): Value[] {
  const count = Math.max(0, times);
  if (items.length * count > mostItems)
    throw new TemplateError(`lists of more than ${mostItems} items are not supported`);
  return items.length === 0 ? [] : Array.from({ length: count }, () => items).flat();
}

function calculate(operator: string, a: number, b: number, isFloat: boolean): Value {
  const number = (value: number): Value => {
    if (isFloat) return new Float(value);
    if ([a, b, value].every(Number.isSafeInteger)) return value;
    throw new TemplateError('whole numbers over 2^53 are not supported');
  };
  if (['Div', 'FloorDiv', 'Mod'].includes(operator) && b === 0) throw new TemplateError('division by zero');
  switch (operator) {
    case 'Add':
      return number(a + b);
    case 'Sub':
      return number(a - b);
    case 'Mul':
      return number(a * b);
    case 'Div':
      return new Float(a / b);
    case 'FloorDiv':
      return number(Math.round((a - modulo(a, b)) / b));
    case 'Mod':
      return number(modulo(a, b));
    case 'Pow':
      return b < 0 ? new Float(a ** b) : number(a ** b);
    default:
      throw new TemplateError(`the operator ${operator} is not supported`);
  }
}

/** With the sign of b, as in Python, and exact, as a - b * floor(a / b) is not. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** `'%s-%d' % (a, b)`: %s, %d and %%; others are refused. */
export function formatPercent(text: string, value: Value): string {
  const args = value instanceof Tuple ? [...value.items] : [value];
  const done = text.replaceAll(/%(.|$)/gs, (whole, kind: string) => {
    if (kind === '%') return '%';
    const arg = args.shift();
    if (arg === undefined) throw new TemplateError('not enough values for the format');
    if (kind === 's') return textOf(arg);
    if (kind === 'd' && typeof arg === 'number') return textOf(arg);
    throw new TemplateError(`the format ${whole} is not supported`);
  });
  if (args.length > 0) throw new TemplateError('too many values for the format');
  return done;
}

export function isIn(item: Value, all: Value): boolean {
  if (typeof all === 'string') {
    if (typeof item !== 'string') throw new TemplateError(`a ${typeName(item)} cannot be in text`);
    return all.includes(item);
  }
  if (all instanceof Map) return all.has(keyOf(item));
  if (all instanceof Undefined) throw new TemplateError(`${all.what} is undefined`);
  return itemsOf(all).some((other) => isEqual(item, other));
}

export function comparison(operator: string, a: Value, b: Value): boolean {
  if (operator === '==') return isEqual(a, b);
  if (operator === '!=') return !isEqual(a, b);
  if (a instanceof Thing || b instanceof Thing) throw new TemplateError('objects have no order');
  const order = compare(a, b);
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}
