/**
 * RFC 8259, checked without building anything and without recursion: ten million brackets cost a bit each. For events
 * that must not be given to JSON.parse (nested too deeply) or cannot be (not UTF-8: bytes over 0x7F within strings are not
 * looked at), and to tell where text that JSON.parse refuses goes wrong.
 */
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const zero = 0x30;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const literals = ['true', 'false', 'null'].map((literal) => Buffer.from(literal));
const escaped = new Set(Buffer.from('"\\/bfnrt'));

export function isJson(bytes: Uint8Array): boolean {
  return jsonErrorAt(bytes) === undefined;
}

/** Where the first byte stands that cannot stand there; the length where the text ends too early; `undefined`: it is JSON. */
export function jsonErrorAt(bytes: Uint8Array): number | undefined {
  const open = new OpenBrackets(bytes.length);
  let at = 0;
  while (at >= 0) {
    at = skipWhitespace(bytes, at);
    const byte = bytes[at];
    if (byte === openBrace || byte === openBracket) {
      open.push(byte === openBrace);
      at = skipWhitespace(bytes, at + 1);
      if (bytes[at] !== open.closer) {
        if (open.inObject) at = afterKey(bytes, at);
        continue;
      }
    } else at = afterScalar(bytes, at);
    if (at >= 0) at = afterValue(bytes, at, open);
    if (at === bytes.length && open.depth === 0) return undefined;
  }
  return ~at;
}

/** Which brackets are open, outermost first, a bit each. */
class OpenBrackets {
  depth = 0;
  inObject = false;
  readonly #bits: Uint8Array;

  constructor(maxDepth: number) {
    this.#bits = new Uint8Array((maxDepth >> 3) + 1);
  }

  get closer(): number {
    return this.inObject ? closeBrace : closeBracket;
  }

  push(isObject: boolean): void {
    const bit = 1 << (this.depth & 7);
    const index = this.depth >> 3;
    const bits = this.#bits[index] as number;
    this.#bits[index] = isObject ? bits | bit : bits & ~bit;
    this.inObject = isObject;
    this.depth += 1;
  }

  pop(): void {
    this.depth -= 1;
    const enclosing = this.depth - 1;
    this.inObject = enclosing >= 0 && ((this.#bits[enclosing >> 3] as number) & (1 << (enclosing & 7))) !== 0;
  }
}

// Each of these answers the position after what it names, or the complement (negative) of the position of the error.

/** Closes what closes here, up to the start of the next value or the end of the text. */
function afterValue(bytes: Uint8Array, from: number, open: OpenBrackets): number {
  let at = skipWhitespace(bytes, from);
  while (open.depth > 0) {
    if (bytes[at] === comma) return open.inObject ? afterKey(bytes, skipWhitespace(bytes, at + 1)) : at + 1;
    if (bytes[at] !== open.closer) return ~at;
    open.pop();
    at = skipWhitespace(bytes, at + 1);
  }
  return at === bytes.length ? at : ~at;
}

function afterKey(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== quote) return ~from;
  const end = afterString(bytes, from);
  if (end < 0) return end;
  const at = skipWhitespace(bytes, end);
  return bytes[at] === colon ? at + 1 : ~at;
}

function afterScalar(bytes: Uint8Array, from: number): number {
  const byte = bytes[from];
  if (byte === quote) return afterString(bytes, from);
  const literal = literals.find((candidate) => candidate[0] === byte);
  return literal === undefined ? afterNumber(bytes, from) : afterLiteral(bytes, from, literal);
}

function afterLiteral(bytes: Uint8Array, from: number, literal: Uint8Array): number {
  let length = 1;
  while (length < literal.length && bytes[from + length] === literal[length]) length += 1;
  return length === literal.length ? from + length : ~(from + length);
}

function afterString(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    if (byte === quote) return at + 1;
    if (byte < 0x20) return ~at;
    at = byte === backslash ? afterEscape(bytes, at) : at + 1;
    if (at < 0) return at;
  }
  return ~at;
}

function afterEscape(bytes: Uint8Array, from: number): number {
  const byte = bytes[from + 1];
  if (byte !== 0x75) return escaped.has(byte as number) ? from + 2 : ~(from + 1);
  const end = from + 6;
  for (let at = from + 2; at < end; at += 1) if (!isHexadecimal(bytes[at])) return ~at;
  return end;
}

function afterNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === minus ? from + 1 : from;
  at = bytes[at] === zero ? at + 1 : afterDigits(bytes, at);
  if (at >= 0 && bytes[at] === 0x2e) at = afterDigits(bytes, at + 1);
  if (at < 0 || ((bytes[at] as number) | 0x20) !== 0x65) return at;
  at += 1;
  return afterDigits(bytes, bytes[at] === minus || bytes[at] === 0x2b ? at + 1 : at);
}

/** At least one digit. */
function afterDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at += 1;
  return at === from ? ~at : at;
}

export function skipWhitespace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isWhitespace(bytes[at])) at += 1;
  return at;
}

export function isWhitespace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

function isHexadecimal(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}

/** For messages: a character where it is visible ASCII. */
export function describeByte(byte: number | undefined): string {
  if (byte === undefined) return 'the end';
  if (byte > 0x20 && byte < 0x7f) return byte === quote ? `'"'` : `"${String.fromCharCode(byte)}"`;
  return `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
