/** Names and their values while a template runs; a loop, a macro and a call block have a scope of their own, an if has none. */
import type { Value } from './values.ts';

export class Scope {
  /** The file whose text runs in it. */
  readonly file: string;
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(file: string, outer?: Scope) {
    this.file = file;
    this.#outer = outer;
  }

  get(name: string): Value | undefined {
    return this.#names.has(name) ? this.#names.get(name) : this.#outer?.get(name); // none is a value, too
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}
