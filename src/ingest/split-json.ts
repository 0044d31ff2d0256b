/**
 * A JSON array of events, or one event as an object. Follows strings, escapes and the depth of brackets, no more: the
 * body is JSON exactly if the splitter does not complain and each of the events that it cuts out is JSON.
 */
import { Fault } from '../errors.ts';
import { maxNestingLevels } from '../event/json-nesting.ts';
import { describeByte, isWhitespace } from '../event/json-syntax.ts';
import { type EventSplitter, HeldBytes, type SplitEvent } from './splitter.ts';

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** All that `[` and `{` differ by, and `]` and `}`. */
const braceBit = 0x20;
const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Where the next byte stands: within an event (`nested`: an object or array), or between events. */
type Place = 'nested' | 'string' | 'scalar' | Gap;
type Gap = 'mark' | 'start' | 'first' | 'next' | 'after' | 'trailer';

const expectedIn: Record<Gap | 'scalar', string> = {
  mark: 'a UTF-8 byte order mark',
  start: 'a JSON array or object',
  first: 'an event or "]"',
  next: 'an event',
  scalar: '"," or "]"',
  after: '"," or "]"',
  trailer: 'the end of the body',
};

export function splitJson(): EventSplitter {
  return new JsonSplitter();
}

class JsonSplitter implements EventSplitter {
  readonly #held = new HeldBytes();
  #place: Place = 'start';
  /** The body is one object, not an array. */
  #single = false;
  /** Brackets open in the current event. */
  #depth = 0;
  #tooDeep = false;
  #inString = false;
  /** 1: the chunk before ended in a backslash, which takes the first byte of the next one with it. */
  #skip = 0;
  /** Bytes of the body before the current chunk. */
  #before = 0;

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Buffer): readonly SplitEvent[] {
    const events: SplitEvent[] = [];
    let start = 0;
    let end = 0;
    while (end < chunk.length) {
      const place = this.#place;
      start = isGap(place) ? this.#eventStart(chunk, end, place) : end;
      if (start === -1) break;
      end = this.#eventEnd(chunk, start);
      if (end === -1) {
        this.#held.add(chunk, start, chunk.length);
        break;
      }
      events.push({ bytes: this.#held.join(chunk, start, end), tooDeep: this.#tooDeep });
      this.#tooDeep = false;
      this.#place = this.#single ? 'trailer' : 'after';
    }
    this.#before += chunk.length;
    return events;
  }

  end(): readonly SplitEvent[] {
    const bytes = this.#before;
    if (this.#place === 'trailer') return [];
    if (this.#place === 'start' || this.#place === 'mark')
      throw new Fault('NOT_JSON', `expected ${expectedIn.start}, found the end of the body at byte ${bytes}`);
    throw new Fault('BODY_INCOMPLETE', `the body ends after ${bytes} bytes, in the middle of its JSON`);
  }

  /** Goes on between events; answers where in the chunk an event starts, -1 where none does. */
  #eventStart(chunk: Buffer, from: number, gap: Gap): number {
    let place = gap;
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (isWhitespace(byte) && place !== 'mark') continue;
      const next =
        place === 'start' || place === 'mark' ? this.#opening(byte, this.#before + at, place) : after(place, byte);
      if (next === undefined) throw this.#notJson(place, byte, at);
      if (!isGap(next)) {
        this.#place = next;
        return at;
      }
      place = next;
    }
    this.#place = place;
    return -1;
  }

  /** The first byte that is no whitespace, or one of a byte order mark. */
  #opening(byte: number, position: number, place: 'start' | 'mark'): Place | undefined {
    if (byte === byteOrderMark[position] && (place === 'mark' || position === 0)) {
      return position === 2 ? 'start' : 'mark';
    }
    if (place === 'mark') return undefined;
    if (byte === openBracket) return 'first';
    if (byte !== openBrace) return undefined;
    this.#single = true;
    return 'nested';
  }

  /** Where in the chunk the current event ends, -1 where it does not. */
  #eventEnd(chunk: Buffer, from: number): number {
    if (this.#place === 'nested') return this.#nestedEnd(chunk, from);
    return this.#place === 'string' ? this.#stringEnd(chunk, from) : this.#scalarEnd(chunk, from);
  }

  /** The hot loop: most bytes of a body pass through here and nowhere else. */
  #nestedEnd(chunk: Buffer, from: number): number {
    const length = chunk.length;
    let depth = this.#depth;
    let inString = this.#inString;
    let at = from + this.#skip;
    this.#skip = 0;
    while (at < length) {
      if (inString) {
        at = afterString(chunk, at);
        inString = at > length;
        if (inString) this.#skip = at - length - 1;
        continue;
      }
      const byte = chunk[at++] as number;
      if (byte === quote) inString = true;
      else if ((byte | braceBit) === openBrace) {
        depth += 1;
        if (depth > maxNestingLevels) this.#tooDeep = true;
      } else if ((byte | braceBit) === closeBrace) {
        depth -= 1;
        if (depth === 0) break;
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    return depth === 0 ? at : -1;
  }

  #stringEnd(chunk: Buffer, from: number): number {
    const at = afterString(chunk, this.#inString ? from + this.#skip : from + 1);
    this.#inString = at > chunk.length;
    this.#skip = this.#inString ? at - chunk.length - 1 : 0;
    return this.#inString ? -1 : at;
  }

  #scalarEnd(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (byte === comma || byte === closeBracket || isWhitespace(byte)) return at;
      if (!isInScalar(byte)) throw this.#notJson('scalar', byte, at);
    }
    return -1;
  }

  #notJson(place: Gap | 'scalar', byte: number, at: number): Fault {
    const found = `found ${describeByte(byte)} at byte ${this.#before + at}`;
    return new Fault('NOT_JSON', `expected ${expectedIn[place]}, ${found}`);
  }
}

function isGap(place: Place): place is Gap {
  return place !== 'nested' && place !== 'string' && place !== 'scalar';
}

/** What a byte that is no whitespace leads to between two events; nothing where it must not stand. */
function after(place: Exclude<Gap, 'start' | 'mark'>, byte: number): Place | undefined {
  if (place === 'trailer') return undefined;
  if (byte === closeBracket && place !== 'next') return 'trailer';
  if (place === 'after') return byte === comma ? 'next' : undefined;
  if ((byte | braceBit) === openBrace) return 'nested';
  if (byte === quote) return 'string';
  return isInScalar(byte) && byte !== 0x2b && byte !== 0x2e ? 'scalar' : undefined;
}

/** Digits, letters, `-`, `+`, `.`: all that a number, `true`, `false` or `null` may be made of. */
function isInScalar(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a) || [0x2b, 0x2d, 0x2e].includes(byte);
}

/**
 * From within a string to the byte after its end. Where the chunk ends first: one past the chunk's length, or two where
 * the last byte is a backslash.
 */
function afterString(chunk: Buffer, from: number): number {
  const length = chunk.length;
  let at = from;
  while (at < length) {
    const byte = chunk[at++];
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  return at + 1;
}
