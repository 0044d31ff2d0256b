/**
 * Objects that remember the JSON text they were sent as. `JSON.parse` rounds numbers (1e400, 25 decimals, integers over
 * 2^53) and loses nothing else that matters; where every digit counts, the text travels with the parsed object, under a symbol
 * that survives spreading and that `JSON.stringify` and `Object.keys` do not see.
 */
declare const jsonBrand: unique symbol;

/** JSON text. */
export type Json = string & { readonly [jsonBrand]: true };

const asSent = Symbol('JSON as sent');

type Verbatim = object & { [asSent]?: Json };

/** Attaches the text that `value` was parsed from; answers `value`. */
export function attachVerbatim<T extends object>(value: T, text: string): T {
  (value as Verbatim)[asSent] = text as Json;
  return value;
}

/** The text that `value` was sent as; of anything else its JSON. */
export function json(value: object | string | number | boolean | null): Json {
  if (typeof value === 'object' && value !== null)
    return (value as Verbatim)[asSent] ?? (JSON.stringify(value) as Json);
  return JSON.stringify(value) as Json;
}

const lineEnd = /[\r\n]/;

/**
 * One line of JSON for an event: its members as sent where they remember it, with spaces for line ends (which stand
 * between tokens: in a JSON string there are none). Members that are undefined are left out.
 */
export function stringifyEvent(event: object): Json {
  const members = Object.values(event) as readonly unknown[];
  if (!members.some(remembersText)) return JSON.stringify(event) as Json;
  let text = '';
  for (const [name, member] of Object.entries(event)) {
    if (member === undefined) continue;
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${json(member)}`;
  }
  const line = text === '' ? '{}' : `${text}}`;
  return (lineEnd.test(line) ? line.replaceAll(/[\r\n]/g, ' ') : line) as Json;
}

function remembersText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as Verbatim)[asSent] !== undefined;
}
