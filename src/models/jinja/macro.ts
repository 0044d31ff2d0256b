/** How a call's arguments become a macro's names. */
import type { Scope } from './scope.ts';
import type { JinjaNode } from './template.ts';
import { Callable, type Keywords, TemplateError, Tuple, Undefined, type Value } from './values.ts';

export interface MacroParts {
  readonly name: string;
  readonly node: JinjaNode;
  readonly evaluate: (expression: JinjaNode, scope: Scope) => Value;
}

/** @returns scope, with the arguments in it @throws TemplateError where a call has arguments that the macro does not take */
export function bindMacro(macro: MacroParts, scope: Scope, args: readonly Value[], keywords: Keywords): Scope {
  const { name, node, evaluate } = macro;
  const parameters = parametersOf(node);
  const rest = new Map(keywords);
  const caller = rest.get('caller');
  rest.delete('caller');
  for (const [i, { parameter, fallback }] of parameters.entries()) {
    if (i < args.length && rest.has(parameter)) throw new TemplateError(`${name} has ${parameter} twice`);
    const given = i < args.length ? args[i] : rest.get(parameter);
    rest.delete(parameter);
    if (given !== undefined) scope.set(parameter, given);
    else scope.set(parameter, fallback ? evaluate(fallback, scope) : new Undefined(`the parameter ${parameter}`));
  }
  const more = args.slice(parameters.length);
  if (more.length > 0 && !mentions(node.body, 'varargs'))
    throw new TemplateError(`${name} takes at most ${parameters.length} arguments`);
  const [unknown] = rest.keys();
  if (unknown !== undefined && !mentions(node.body, 'kwargs'))
    throw new TemplateError(`${name} takes no argument ${unknown}`);
  scope.set('varargs', new Tuple(more));
  scope.set('kwargs', new Map<Value, Value>(rest));
  if (caller instanceof Callable) scope.set('caller', caller);
  return scope;
}

interface Parameter {
  readonly parameter: string;
  readonly fallback?: JinjaNode;
}

function parametersOf({ args }: JinjaNode): readonly Parameter[] {
  return args.children.flatMap((node): readonly Parameter[] => {
    if (node.typename !== 'KeywordArgs') return [{ parameter: String(node.value) }];
    return node.children.map(({ key, value }) => ({ parameter: String(key.value), fallback: value as JinjaNode }));
  });
}

/** Whether the name stands in it anywhere. */
function mentions(node: unknown, name: string): boolean {
  if (Array.isArray(node)) return node.some((one) => mentions(one, name));
  if (typeof node !== 'object' || node === null) return false;
  const { typename, value } = node as Partial<JinjaNode>;
  if (typename === 'Symbol' && value === name) return true;
  return Object.values(node).some((member) => mentions(member, name));
}
