/**
 * JSON that can be changed and written again without loss: a number that a double does not spell as it was sent (1e400, 25
 * decimals, 1.50) is held as a text that tells its digits, and written as those. Members keep their order; of duplicate
 * ones the last counts; `__proto__` is an ordinary name.
 */
import { randomBytes } from 'node:crypto';

/** Begins the texts that stand for numbers; no text that is parsed can be meant to. */
const mark = `number ${randomBytes(16).toString('hex')}: `;

/** @throws SyntaxError; RangeError where it is nested too deeply */
export function parseExact(text: string): unknown {
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}

/** @param indent spaces a level; default: none, on one line */
export function stringifyExact(value: unknown, indent?: number): string {
  return JSON.stringify(value, writeDigits, indent);
}

function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value === 'number' && source !== undefined && String(value) !== source) return mark + source;
  // so that a member named __proto__ is none but a member, also when a patch sets it
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.setPrototypeOf(value, null);
  return value;
}

function writeDigits(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(mark) ? rawJson(value.slice(mark.length)) : value;
}

/** `JSON.rawJSON`, which the compiler's library does not know yet. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
