/**
 * Operators, in jinja2's order of precedence. nunjucks has another in places: there the tree is put right (`a * b // c`), or the
 * expression is refused with the word to add parentheses (`1 + 2 ~ 3`).
 */
import { testNamed } from './lookup.ts';
import { comparison, isIn, operate } from './operators.ts';
import type { JinjaNode } from './template.ts';
import { Float, TemplateError, Undefined, type Value, isTrue, numberOf } from './values.ts';

type Evaluate = (node: JinjaNode) => Value;

const sums = ['Add', 'Sub'];
const products = ['Mul', 'Div', 'FloorDiv', 'Mod'];
const loose = ['Compare', 'In', 'Is', 'Not', 'Concat', ...sums, ...products, 'Pow'];

export function evaluateOperator(node: JinjaNode, evaluate: Evaluate): Value {
  switch (node.typename) {
    case 'Or': {
      const left = evaluate(node.left);
      return isTrue(left) ? left : evaluate(node.right);
    }
    case 'And': {
      const left = evaluate(node.left);
      return isTrue(left) ? evaluate(node.right) : left;
    }
    case 'Not':
      return !isTrue(evaluate(node.target));
    case 'Neg':
    case 'Pos':
      return signed(node.typename, evaluate(node.target));
    case 'In':
      parenthesised([node.left, node.right], ['Compare', 'In', 'Is', 'Not']);
      return isIn(evaluate(node.left), evaluate(node.right));
    case 'Is':
      return is(node, evaluate);
    case 'Compare':
      return compareChain(node, evaluate);
    case 'Concat':
      parenthesised([node.left, node.right], sums);
      return operate('Concat', evaluate(node.left), evaluate(node.right));
    case 'Pow':
      parenthesised([node.left, node.right], ['Pow']);
      return operate('Pow', evaluate(node.left), evaluate(node.right));
    default:
      return arithmetic(node, evaluate);
  }
}

/** From the left, where nunjucks binds some of them tighter than others. */
function arithmetic(node: JinjaNode, evaluate: Evaluate): Value {
  const alike = [sums, products].find((group) => group.includes(node.typename));
  if (alike === undefined) throw new TemplateError(`${node.typename} is not supported`);
  const { operands, operators } = flat(node, alike);
  const [first, ...rest] = operands.map(evaluate);
  return rest.reduce((left: Value, right, i) => operate(operators[i] ?? '', left, right), first ?? null);
}

function flat(node: JinjaNode, alike: readonly string[]): { operands: JinjaNode[]; operators: string[] } {
  if (!alike.includes(node.typename)) return { operands: [node], operators: [] };
  const [left, right] = [flat(node.left, alike), flat(node.right, alike)];
  return {
    operands: [...left.operands, ...right.operands],
    operators: [...left.operators, node.typename, ...right.operators],
  };
}

function compareChain({ expr, ops }: JinjaNode, evaluate: Evaluate): boolean {
  let left = evaluate(expr);
  for (const { type, expr: operand } of ops) {
    const right = evaluate(operand);
    for (const side of [left, right])
      if (side instanceof Undefined && !['==', '!='].includes(type))
        throw new TemplateError(`${side.what} is undefined`);
    if (!comparison(type, left, right)) return false;
    left = right;
  }
  return true;
}

function is({ left, right }: JinjaNode, evaluate: Evaluate): boolean {
  parenthesised([left], loose);
  const [name, args] = testOf(right);
  return testNamed(name)(evaluate(left), args.map(evaluate));
}

function testOf(node: JinjaNode): readonly [name: string, args: readonly JinjaNode[]] {
  if (node.typename === 'Symbol') return [String(node.value), []];
  if (node.typename === 'Literal' && node.value === null) return ['none', []];
  if (node.typename === 'Literal' && typeof node.value === 'boolean') return [String(node.value), []];
  if (node.typename === 'FunCall' && node.name.typename === 'Symbol')
    return [String(node.name.value), node.args.children];
  throw new TemplateError('this is no test: add parentheses around what stands left of is, and around its arguments');
}

function signed(sign: string, value: Value): Value {
  const number = numberOf(value);
  if (number === undefined) throw new TemplateError('only a number has a sign');
  const result = sign === 'Neg' ? -number : number;
  return value instanceof Float ? new Float(result) : result;
}

function parenthesised(nodes: readonly JinjaNode[], refused: readonly string[]): void {
  for (const { typename } of nodes)
    if (refused.includes(typename))
      throw new TemplateError('these operators are read in another order by jinja2: add parentheses');
}
