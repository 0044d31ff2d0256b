/** A value in a definition and where it stands, so that whatever is wrong is said with its path. */
import { closest } from 'fastest-levenshtein';
import { Fault } from '../errors.ts';
import { isObject } from '../event/json-object.ts';

export class Checker {
  readonly value: unknown;
  readonly path: string;
  /** The name of the pipeline that is checked, for messages, once it is known. */
  readonly #pipeline: string;

  constructor(value: unknown, path: string, pipeline = nameOf(value)) {
    this.value = value;
    this.path = path;
    this.#pipeline = pipeline;
  }

  /** @throws Fault PIPELINE_INVALID */
  fail(expected: string): never {
    this.#throw(`expected ${expected}, got ${show(this.value)}`);
  }

  at(name: string): Checker {
    const member = isObject(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new Checker(member, this.path === '' ? name : `${this.path}.${name}`, this.#pipeline);
  }

  /** An object with all the `required` names and no others than these and the `optional` ones. */
  members(required: readonly string[], optional: readonly string[] = []): void {
    const known = [...required, ...optional];
    for (const name of this.names(0)) {
      if (known.includes(name)) continue;
      this.at(name).#throw(`there is no such setting; did you mean ${JSON.stringify(closest(name, known))}?`);
    }
    for (const name of required) if (this.at(name).value === undefined) this.at(name).#throw('missing');
  }

  names(atLeast: number): readonly string[] {
    const names = isObject(this.value) ? Object.keys(this.value) : this.fail('an object');
    if (names.length < atLeast) this.fail('an object that is not empty');
    return names;
  }

  elements(atLeast = 0): readonly Checker[] {
    if (!Array.isArray(this.value)) this.fail('an array');
    if (this.value.length < atLeast) this.fail('an array that is not empty');
    return this.value.map((element, index) => new Checker(element, `${this.path}[${index}]`, this.#pipeline));
  }

  /** An array in which nothing is twice. */
  distinct(checkElement: (element: Checker) => void, atLeast = 0): void {
    const seen = new Set<string>();
    for (const element of this.elements(atLeast)) {
      checkElement(element);
      const text = JSON.stringify(element.value);
      if (seen.has(text)) element.fail('nothing twice');
      seen.add(text);
    }
  }

  function(): void {
    if (typeof this.value !== 'function') this.fail('a function');
  }

  text(): void {
    if (typeof this.value !== 'string' || this.value === '') this.fail('a string that is not empty');
  }

  pattern(pattern: RegExp, expected: string): void {
    if (typeof this.value !== 'string' || !pattern.test(this.value)) this.fail(expected);
  }

  integer(least: number, most = Number.MAX_SAFE_INTEGER): void {
    if (Number.isSafeInteger(this.value) && Number(this.value) >= least && Number(this.value) <= most) return;
    this.fail(`an integer from ${least} to ${most}`);
  }

  oneOf(choices: readonly string[]): void {
    if (choices.includes(String(this.value)) && typeof this.value === 'string') return;
    const hint =
      typeof this.value === 'string' && choices.length > 1
        ? `; did you mean ${JSON.stringify(closest(this.value, choices))}?`
        : '';
    this.#throw(`expected one of ${choices.join(', ')}, got ${show(this.value)}${hint}`);
  }

  #throw(problem: string): never {
    throw new Fault(
      'PIPELINE_INVALID',
      `pipeline ${this.#pipeline}: ${this.path === '' ? '' : `${this.path}: `}${problem}`,
    );
  }
}

function nameOf(definition: unknown): string {
  return isObject(definition) && typeof definition['name'] === 'string' ? show(definition['name']) : 'without a name';
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
