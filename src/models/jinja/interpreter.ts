/**
 * Runs templates as jinja2 does: nunjucks' tree, Python's values (values.ts). nunjucks would run it as JavaScript, where `[]` is true,
 * `True` prints as `true` and a name that is not there as nothing. What does not run is said with file and line.
 */
import { evaluateOperator } from './expressions.ts';
import { applyFilter } from './filters.ts';
import { valueOf } from './json.ts';
import { attribute, item } from './lookup.ts';
import { type MacroParts, bindMacro } from './macro.ts';
import { Scope } from './scope.ts';
import { AttributeName, type JinjaNode, type Template, elseOf, templateFault } from './template.ts';
import {
  Callable,
  Float,
  type Keywords,
  Namespace,
  TemplateError,
  Thing,
  Tuple,
  Undefined,
  type Value,
  isTrue,
  itemsOf,
  keyOf,
  textOf,
} from './values.ts';

/** `return(value)` ends a macro with a value that is not text. */
export class MacroReturn extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super('return() outside of a macro');
    this.value = value;
  }
}

/** Templates that run in each other, no deeper than this: a macro that calls itself without an end is told. */
const maxDepth = 200;

export class Interpreter {
  readonly #globals: Scope;
  readonly #refused: ReadonlySet<string>;
  #depth = 0;

  /**
   * @param globals what every template and macro knows
   * @param refused names that have a meaning which is not supported: using them is an error, where others are undefined
   */
  constructor(globals: ReadonlyMap<string, Value>, refused: ReadonlySet<string> = new Set()) {
    this.#globals = new Scope('');
    this.#refused = refused;
    for (const [name, value] of globals) this.#globals.set(name, value);
  }

  define(name: string, value: Value): void {
    this.#globals.set(name, value);
  }

  /** @throws Fault MODELS_INVALID */
  render({ file, body }: Template): string {
    return this.#run(body, new Scope(file, this.#globals));
  }

  /** A macro of a file, that every template can call. */
  macro(file: string, node: JinjaNode): Callable {
    return this.#macroOf(node, new Scope(file, this.#globals));
  }

  #run(nodes: readonly JinjaNode[], scope: Scope): string {
    let text = '';
    for (const node of nodes) text += this.#guarded(node, scope, () => this.#statement(node, scope));
    return text;
  }

  /** Whatever fails in it is told with its file and line. */
  #guarded<T>(node: JinjaNode, scope: Scope, what: () => T): T {
    try {
      return what();
    } catch (error) {
      const isReturn = error instanceof MacroReturn && this.#depth > 0; // for the macro around it
      const isOurs = error instanceof TemplateError || error instanceof RangeError || error instanceof MacroReturn;
      if (isReturn || !isOurs) throw error;
      throw templateFault(scope.file, node.lineno, error.message);
    }
  }

  #statement(node: JinjaNode, scope: Scope): string {
    switch (node.typename) {
      case 'Output':
        return node.children.map((child) => this.#output(child, scope)).join('');
      case 'NodeList':
        return this.#run(node.children, scope);
      case 'If':
        if (node.cond.typename === 'InlineIf') throw new TemplateError('an if over a if b else c needs parentheses');
        if (isTrue(this.#value(node.cond, scope))) return this.#run(node.body.children, scope);
        return this.#run(elseOf(node) ?? [], scope);
      case 'For':
        return this.#loop(node, scope);
      case 'Set':
        this.#set(node, scope);
        return '';
      case 'Macro':
        scope.set(String(node.name.value), this.#macroOf(node, scope));
        return '';
      case 'Do':
        this.#value(node.expr, scope);
        return '';
      default:
        throw new TemplateError(`${node.typename} is not supported`);
    }
  }

  #output(node: JinjaNode, scope: Scope): string {
    if (node.typename === 'TemplateData') return String(node.value);
    return this.#guarded(node, scope, () => textOf(this.#value(node, scope)));
  }

  #loop(node: JinjaNode, scope: Scope): string {
    // `for x in all if test`: the parser takes it for an expression `all if test`, which a loop cannot have otherwise.
    const [over, test] =
      node.arr.typename === 'InlineIf' && elseOf(node.arr) === undefined ? [node.arr.body, node.arr.cond] : [node.arr];
    if (node.arr.typename === 'InlineIf' && test === undefined)
      throw new TemplateError('a loop over a if b else c needs parentheses');
    const scoped = (value: Value): Scope => {
      const inner = new Scope(scope.file, scope);
      this.#assign(node.name, value, inner);
      return inner;
    };
    const all = itemsOf(this.#value(over, scope));
    const items = test ? all.filter((value) => isTrue(this.#value(test, scoped(value)))) : all;
    if (items.length === 0) return this.#run(elseOf(node) ?? [], scope);
    return items
      .map((value, at) => {
        const inner = scoped(value);
        inner.set('loop', loopOf(items, at));
        return this.#run(node.body.children, inner);
      })
      .join('');
  }

  #set({ targets, value, body }: JinjaNode, scope: Scope): void {
    if (value === null && body) {
      const text = this.#run(body.body.children, new Scope(scope.file, scope));
      for (const target of targets) this.#assign(target, text, scope);
      return;
    }
    const given = this.#value(value as JinjaNode, scope);
    const [only] = targets;
    if (targets.length === 1 && only) return this.#assign(only, given, scope);
    this.#assignAll(targets, given, scope);
  }

  #assign(target: JinjaNode, value: Value, scope: Scope): void {
    if (target.typename === 'Symbol') return scope.set(String(target.value), value);
    if (target.typename === 'Array') return this.#assignAll(target.children, value, scope);
    const object = target.typename === 'LookupVal' ? this.#value(target.target, scope) : undefined;
    if (!(object instanceof Namespace)) throw new TemplateError('only names and attributes of a namespace can be set');
    object.attributes.set(String(target.val.value), value);
  }

  #assignAll(targets: readonly JinjaNode[], value: Value, scope: Scope): void {
    const items = itemsOf(value);
    if (items.length !== targets.length)
      throw new TemplateError(`there are ${items.length} values for ${targets.length} names`);
    for (const [i, target] of targets.entries()) this.#assign(target, items[i] ?? null, scope);
  }

  #macroOf(node: JinjaNode, scope: Scope): Callable {
    const name = String(node.name.value);
    const bound: MacroParts = {
      name,
      node,
      evaluate: (expression, inner) => this.#value(expression, inner),
    };
    return new Callable(name, (args, keywords) => {
      const inner = bindMacro(bound, new Scope(scope.file, scope), args, keywords);
      if (++this.#depth > maxDepth) throw new TemplateError(`${name} calls itself more than ${maxDepth} deep`);
      try {
        return this.#run(node.body.children, inner);
      } catch (error) {
        if (error instanceof MacroReturn) return error.value;
        throw error;
      } finally {
        this.#depth -= 1;
      }
    });
  }

  #value(node: JinjaNode, scope: Scope): Value {
    switch (node.typename) {
      case 'Literal':
        return literal(node.value);
      case 'Symbol': {
        const name = String(node.value);
        const found = scope.get(name);
        if (found === undefined && this.#refused.has(name)) throw new TemplateError(`${name} of dbt is not supported`);
        return found === undefined ? new Undefined(name) : found;
      }
      case 'Group': {
        const [only, ...more] = node.children;
        if (only && more.length === 0) return this.#value(only, scope);
        return new Tuple(this.#values(node.children, scope));
      }
      case 'Array':
        return this.#values(node.children, scope);
      case 'Dict':
        return new Map(
          node.children.map(({ key, value }) => [
            keyOf(this.#value(key, scope)),
            this.#value(value as JinjaNode, scope),
          ]),
        );
      case 'LookupVal':
        return this.#lookup(node, scope);
      case 'FunCall':
        return this.#call(node, scope);
      case 'Filter': {
        const [self, ...args] = node.args.children;
        const { positional, keywords } = this.#arguments(args, scope);
        return applyFilter(String(node.name.value), self ? this.#value(self, scope) : '', positional, keywords);
      }
      case 'Capture':
        return this.#run(node.body.children, new Scope(scope.file, scope));
      case 'Caller':
        return this.#macroOf(node, scope);
      case 'InlineIf':
        if (isTrue(this.#value(node.cond, scope))) return this.#value(node.body, scope);
        return this.#inlineElse(node, scope);
      default:
        return evaluateOperator(node, (operand) => this.#value(operand, scope));
    }
  }

  /** `a if b` without an else is undefined, and prints as nothing all the same. */
  #inlineElse(node: JinjaNode, scope: Scope): Value {
    const [other] = elseOf(node) ?? [];
    return other ? this.#value(other, scope) : new Undefined('what an if without an else leaves out', '');
  }

  #lookup({ target, val, lineno }: JinjaNode, scope: Scope): Value {
    return this.#guarded({ lineno } as JinjaNode, scope, () => {
      const object = this.#value(target, scope);
      if (!(val as JinjaNode | undefined)) throw new TemplateError('there is nothing between the brackets');
      if (val.typename === 'Literal' && val.value instanceof AttributeName) return attribute(object, String(val.value));
      return item(object, this.#value(val, scope));
    });
  }

  #call(node: JinjaNode, scope: Scope): Value {
    const callee = this.#value(node.name, scope);
    return this.#guarded(node, scope, () => {
      if (callee instanceof Undefined)
        throw new TemplateError(`${callee.what} is undefined: no such function or macro`);
      const call = callee instanceof Callable || callee instanceof Thing ? callee.call : undefined;
      if (call === undefined) throw new TemplateError('this cannot be called');
      const { positional, keywords } = this.#arguments(node.args.children, scope);
      return call(positional, keywords);
    });
  }

  #arguments(nodes: readonly JinjaNode[], scope: Scope): { positional: readonly Value[]; keywords: Keywords } {
    const named = nodes.filter(({ typename }) => typename === 'KeywordArgs').flatMap(({ children }) => children);
    const positional = nodes.filter(({ typename }) => typename !== 'KeywordArgs');
    return {
      positional: this.#values(positional, scope),
      keywords: new Map(
        named.map(({ key, value }) => [String(key.value), this.#value(value as JinjaNode, scope)] as const),
      ),
    };
  }

  #values(nodes: readonly JinjaNode[], scope: Scope): Value[] {
    return nodes.map((node) => this.#value(node, scope));
  }
}

function literal(value: unknown): Value {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new TemplateError('whole numbers over 2^53 are not supported');
  return value instanceof Float ? value : valueOf(value);
}

function neighbour(items: readonly Value[], at: number): Value {
  const found = items[at];
  return found === undefined ? new Undefined('the item beyond the ends') : found;
}

function loopOf(items: readonly Value[], at: number): Thing {
  const count = items.length;
  return new Thing(
    new Map<string, Value>([
      ['index', at + 1],
      ['index0', at],
      ['revindex', count - at],
      ['revindex0', count - at - 1],
      ['first', at === 0],
      ['last', at === count - 1],
      ['length', count],
      ['previtem', neighbour(items, at - 1)],
      ['nextitem', neighbour(items, at + 1)],
      ['cycle', new Callable('cycle', (args) => neighbour(args, at % args.length))],
    ]),
  );
}
