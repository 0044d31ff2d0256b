/**
 * The bytes of one event -> a parsed object that is fit for what comes after: an object, in UTF-8, with no more levels
 * than a parser may recurse into, and no text that PostgreSQL cannot hold, also where a later duplicate key hides it.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { maxNestingLevels } from '../event/json-nesting.ts';
import { Reject } from '../event/reject.ts';
import { attachVerbatim } from '../event/verbatim.ts';
import type { JsonObject } from '../pipeline/pipeline.ts';
import { afterString, memberSpan, plainMemberSpan, type Span } from '../event/json-member.ts';
import { describeByte, isJson, jsonErrorAt, skipWhitespace } from '../event/json-syntax.ts';
import { type SplitEvent } from './splitter.ts';
import { isObject } from '../event/json-object.ts';

/** The bytes are no JSON at all; the message says what was found where. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
  /** In bytes from the start of the event. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

const backslash = 0x5c;

/** Perhaps U+0000, a surrogate, or ASCII in disguise (see `plainMemberSpan`): one search for all, as each would cost as much. */
const peculiar = /\\u(?:00[0-7]|[dD][89a-fA-F])/;

export interface DecodedEvent {
  readonly event: JsonObject;
  /** Where in its bytes each of the verbatim members stands; undefined where it is no object. */
  readonly verbatim: readonly (Span | undefined)[];
}

/**
 * @param verbatim members whose source text is attached to them where they are objects (see event/verbatim.ts)
 * @throws NotJson; Reject where it is JSON, but not a valid event
 */
export function decodeEvent({ bytes, tooDeep }: SplitEvent, verbatim: readonly string[]): DecodedEvent {
  if (tooDeep) throw tooDeepOrNotJson(bytes);
  const ascii = isAscii(bytes);
  const text = ascii ? bytes.toString('latin1') : decodeUtf8(bytes);
  const event = parse(text, bytes);
  if (!isObject(event)) throw new Reject('', `expected an object, got ${describe(event)}`);
  const isPeculiar = peculiar.test(text);
  if (isPeculiar) rejectUnstorableText(bytes);
  const spans = verbatim.map((name) => {
    const member = Object.hasOwn(event, name) ? event[name] : undefined;
    if (!isObject(member)) return undefined;
    const isPlain = ascii && !isPeculiar;
    const span = isPlain ? plainMemberSpan(text, bytes, name) : memberSpan(bytes, name);
    if (span) {
      const { start, end } = span;
      attachVerbatim(member, ascii ? text.slice(start, end) : bytes.toString('utf8', start, end));
    }
    return span;
  });
  return { event, verbatim: spans };
}

function decodeUtf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  if (isJson(bytes)) throw new Reject('', 'expected UTF-8, got bytes that are none');
  throw notJson(bytes);
}

function parse(text: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson(bytes);
    throw error;
  }
}

function tooDeepOrNotJson(bytes: Buffer): Reject | NotJson {
  if (!isJson(bytes)) return notJson(bytes);
  return new Reject('', `expected at most ${maxNestingLevels} levels of nesting, got more`);
}

function notJson(bytes: Buffer): NotJson {
  const position = jsonErrorAt(bytes) ?? bytes.length;
  return new NotJson(`found ${describeByte(bytes[position])} at byte ${position} of the event`, position);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/** Looks at escapes only: in valid JSON and UTF-8 there is no other way to write U+0000 or a lone surrogate. */
function rejectUnstorableText(bytes: Buffer): void {
  for (let at = bytes.indexOf(backslash); at !== -1; at = bytes.indexOf(backslash, at)) {
    const unit = escapedUnit(bytes, at);
    if (unit === 0) throw new Reject(pathAt(bytes, at), 'expected text without \\u0000');
    const isPair = isHighSurrogate(unit) && isLowSurrogate(escapedUnit(bytes, at + 6));
    if (!isPair && (isHighSurrogate(unit) || isLowSurrogate(unit))) {
      const lone = bytes.toString('latin1', at, at + 6);
      throw new Reject(pathAt(bytes, at), `expected well-formed Unicode, got the lone surrogate ${lone}`);
    }
    if (unit === undefined) at += 2;
    else at += isPair ? 12 : 6;
  }
}

/** The code unit of an escape of the form `\uXXXX`, if that is what stands there. */
function escapedUnit(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] !== backslash || bytes[at + 1] !== 0x75) return undefined;
  let unit = 0;
  for (let digit = at + 2; digit < at + 6; digit += 1) unit = 16 * unit + hexadecimal(bytes[digit] as number);
  return unit;
}

/** The digits are known to be such. A text for each of millions would keep everybody waiting. */
function hexadecimal(digit: number): number {
  return digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57;
}

function isHighSurrogate(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number | undefined): boolean {
  return unit !== undefined && unit >= 0xdc00 && unit < 0xe000;
}

/** The path of the string that holds `position`; where that is a key, of the object that has it. */
function pathAt(bytes: Buffer, position: number): string {
  const path: (string | number)[] = [];
  for (let at = 0; at <= position;) {
    const char = String.fromCharCode(bytes[at] as number);
    const last = path.length - 1;
    if (char === '"') {
      const end = afterString(bytes, at);
      const isKey = bytes[skipWhitespace(bytes, end)] === 0x3a;
      if (isKey && end > position) path.pop();
      else if (isKey) path[last] = JSON.parse(bytes.toString('utf8', at, end)) as string;
      at = end;
      continue;
    }
    if (char === '{') path.push('');
    else if (char === '[') path.push(0);
    else if (char === '}' || char === ']') path.pop();
    else if (char === ',' && typeof path[last] === 'number') path[last] += 1;
    at += 1;
  }
  return path
    .reduce<string>((sum, step) => `${sum}${typeof step === 'number' ? `[${step}]` : `.${step}`}`, '')
    .slice(1);
}
