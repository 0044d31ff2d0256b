/** What the templates of a project are parsed into: nunjucks' own tree, as far as jinja2 has the same. */
import { Fault } from '../../errors.ts';

/** What stands behind a point, which a text in brackets is not: `a.items` is a method, `a['items']` an item. */
export class AttributeName {
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }

  toString(): string {
    return this.#name;
  }
}

/** Lines count from 0. Each kind has some of the members; the parser's `typename` says which. */
export interface JinjaNode {
  readonly typename: string;
  readonly lineno: number;
  readonly children: readonly JinjaNode[];
  readonly value: unknown;
  readonly target: JinjaNode;
  readonly val: JinjaNode;
  readonly name: JinjaNode;
  readonly args: JinjaNode;
  readonly arr: JinjaNode;
  readonly body: JinjaNode;
  readonly else_: JinjaNode | null;
  readonly cond: JinjaNode;
  readonly targets: readonly JinjaNode[];
  readonly left: JinjaNode;
  readonly right: JinjaNode;
  readonly expr: JinjaNode;
  readonly ops: readonly JinjaNode[];
  readonly type: string;
  readonly key: JinjaNode;
}

/** The parser's name for it ends in _. */
export function elseOf({ ['else_']: other }: JinjaNode): readonly [JinjaNode] | undefined {
  return other ? [other] : undefined;
}

export interface Template {
  /** As messages name it. */
  readonly file: string;
  readonly body: readonly JinjaNode[];
}

/** @param line counts from 0 */
export function templateFault(file: string, line: number, message: string): Fault {
  return new Fault('MODELS_INVALID', `${file}:${line + 1}: ${message}`);
}
