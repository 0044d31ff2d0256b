/**
 * The parameters of a request, from its query string and from a body that is a form or a JSON object. Each stands exactly once in all of
 * them together, as text; what else stands there is passed over. Nothing of what was sent becomes the name of anything.
 */
import { isUtf8 } from 'node:buffer';
import { Fault, reasonOf } from '../../errors.ts';
import { maxNestingLevels, nestsTooDeep } from '../../event/json-nesting.ts';
import { memberNames } from '../../event/json-member.ts';
import { isObject } from '../../event/json-object.ts';
import { describeValue } from '../../schemas/describe-value.ts';

export class ParameterReader {
  readonly #names: readonly string[];
  readonly #values: (string | undefined)[];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#values = names.map(() => undefined);
  }

  /** @param url as it came: what stands behind the first question mark. @throws Fault REQUEST_INVALID */
  query(url: string): void {
    const mark = url.indexOf('?');
    if (mark !== -1) this.#pairs(beyondAscii.test(url) ? utf8(Buffer.from(url, 'latin1')) : url, mark + 1);
  }

  /** @throws Fault REQUEST_INVALID */
  form(body: Buffer): void {
    this.#pairs(utf8(body), 0);
  }

  /** @throws Fault REQUEST_INVALID */
  json(body: Buffer): void {
    const object = parse(body);
    if (!isObject(object)) throw invalid(`expected a JSON object of parameters, got ${describeValue(object)}`);
    for (const name of memberNames(body)) this.#take(name, object[name]);
  }

  /** What was found. @throws Fault REQUEST_INVALID where one is missing */
  all(): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (let index = 0; index < this.#names.length; index += 1) {
      const name = this.#names[index] as string;
      const value = this.#values[index];
      if (value === undefined) throw invalid(`the parameter ${name} is missing`);
      found[name] = value;
    }
    return found;
  }

  #pairs(text: string, from: number): void {
    for (let at = from; at < text.length;) {
      const and = text.indexOf('&', at);
      const end = and === -1 ? text.length : and;
      const pair = text.slice(at, end);
      const equals = pair.indexOf('=');
      if (equals === -1) this.#take(decode(pair), '');
      else this.#take(decode(pair.slice(0, equals)), decode(pair.slice(equals + 1)));
      at = end + 1;
    }
  }

  #take(given: string, value: unknown): void {
    const index = this.#names.indexOf(given);
    if (index === -1) return this.#refuseArray(given);
    if (this.#values[index] !== undefined) throw invalid(`the parameter ${given} is given twice`);
    if (typeof value !== 'string')
      throw invalid(`the parameter ${given}: expected a string, got ${describeValue(value)}`);
    if (value.includes('\0')) throw invalid(`the parameter ${given}: expected text without U+0000`);
    if (!value.isWellFormed())
      throw invalid(`the parameter ${given}: expected well-formed Unicode, got a lone surrogate`);
    this.#values[index] = value;
  }

  /** `uuid[]` and the like, by which some clients mean several of one name. */
  #refuseArray(given: string): void {
    const bracket = given.indexOf('[');
    if (bracket === -1) return;
    const name = this.#names.find((one) => one.length === bracket && given.startsWith(one));
    if (name !== undefined) throw invalid(`the parameter ${name}: expected one value, got an array`);
  }
}

const beyondAscii = /[\u0080-\uffff]/;

function parse(body: Buffer): unknown {
  if (!isUtf8(body)) throw notUtf8();
  if (nestsTooDeep(body)) throw invalid(`the body nests deeper than ${maxNestingLevels} levels`);
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw invalid(`the body is not JSON: ${reasonOf(error)}`, error);
  }
}

function utf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  throw notUtf8();
}

/** As in forms: a plus sign is a space. */
function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw invalid('the parameters are not percent-encoded UTF-8', error);
  }
}

function notUtf8(): Fault {
  return invalid('the parameters are not UTF-8');
}

function invalid(message: string, cause?: unknown): Fault {
  return new Fault('REQUEST_INVALID', message, { cause });
}
