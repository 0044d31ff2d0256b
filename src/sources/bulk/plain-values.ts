/**
 * The usual values of a CSV, written as COPY's binary format has them straight from the bytes that came in. What is not plainly right is
 * left to those who read text (`column-values.ts`), and know what is wrong with it.
 */

/** Where the value ends that was written at `at` with its length before it; `notPlain` where nothing counts that was written. */
export type WritePlain = (from: Buffer, start: number, end: number, into: Buffer, at: number) => number;

export const notPlain = -1;

const lengthBytes = 4;
const zero = 0x30;
const nine = 0x39;
const dash = 0x2d;

/** ASCII, without NUL: its own UTF-8. */
export const plainText: WritePlain = (from, start, end, into, at) => {
  let next = writeInteger(into, at, end - start);
  for (let i = start; i < end; i++) {
    const byte = from[i] as number;
    if (byte === 0 || byte > 0x7f) return notPlain;
    into[next++] = byte;
  }
  return next;
};

/** Digits alone, without a leading zero. */
export function plainInteger(least: number, most: number): WritePlain {
  const mostDigits = String(most).length;
  return (from, start, end, into, at) => {
    const digits = end - start;
    if (digits === 0 || digits > mostDigits || (from[start] === zero && digits > 1)) return notPlain;
    const value = digitsIn(from, start, end);
    if (value === notPlain || value < least || value > most) return notPlain;
    return writeInteger(into, writeInteger(into, at, lengthBytes), value);
  };
}

/** Rows of a batch have few different days; this many are remembered. */
const maxRemembered = 10_000;

/** @param read days since 2000-01-01, undefined for what is no day */
export function plainDay(read: (text: string) => number | undefined): WritePlain {
  const remembered = new Map<number, number>();
  return (from, start, end, into, at) => {
    if (end - start !== 10 || from[start + 4] !== dash || from[start + 7] !== dash) return notPlain;
    const year = digitsIn(from, start, start + 4);
    const month = digitsIn(from, start + 5, start + 7);
    const day = digitsIn(from, start + 8, end);
    if (year === notPlain || month === notPlain || day === notPlain) return notPlain;
    const key = (year * 100 + month) * 100 + day;
    let days = remembered.get(key);
    if (days === undefined) {
      days = read(from.toString('latin1', start, end));
      if (days === undefined) return notPlain;
      if (remembered.size >= maxRemembered) remembered.clear();
      remembered.set(key, days);
    }
    return writeInteger(into, writeInteger(into, at, lengthBytes), days);
  };
}

function digitsIn(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] as number;
    if (digit < zero || digit > nine) return notPlain;
    value = value * 10 + digit - zero;
  }
  return value;
}

/** Big-endian, 32 bits. `Buffer` checks each time what is known here. */
export function writeInteger(into: Buffer, at: number, value: number): number {
  into[at] = value >> 24;
  into[at + 1] = value >> 16;
  into[at + 2] = value >> 8;
  into[at + 3] = value;
  return at + 4;
}
