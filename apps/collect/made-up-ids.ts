/** Identifiers of the three kinds that are found in the wild, made up. */
import type { Random } from '../random.ts';

/** An id whose last 32 bits are `tail`: ids of different tails differ, also as UUIDs. */
export function makeId(random: Random, timeMs: number, tail: number): string {
  const kind = random.fraction();
  const id =
    kind < 0.3
      ? makeUuid(random, tail)
      : kind < 0.7
        ? makeUlid(random, timeMs, tail)
        : makeObjectId(random, timeMs, tail);
  return random.chance(0.1) ? otherCase(id) : id;
}

function makeUuid(random: Random, tail: number): string {
  const high = hex(random.bits(), 8);
  const middle = hex(random.bits(), 8);
  const low = hex(random.bits(), 8);
  return `${high}-${middle.slice(0, 4)}-4${middle.slice(5)}-a${low.slice(1, 4)}-${low.slice(4)}${hex(tail, 8)}`;
}

/** 48 bits of milliseconds and 80 others, in Crockford's alphabet, two characters at a time. */
function makeUlid(random: Random, timeMs: number, tail: number): string {
  const bits = hex(timeMs, 12) + hex(random.bits(), 8) + hex(random.below(0x1_0000), 4) + hex(tail, 8);
  let ulid = pairs[Number.parseInt(bits.slice(0, 2), 16)] ?? '';
  for (let at = 2; at < 32; at += 5) {
    const group = Number.parseInt(bits.slice(at, at + 5), 16);
    ulid += `${pairs[group >>> 10]}${pairs[group & 1023]}`;
  }
  return ulid;
}

function makeObjectId(random: Random, timeMs: number, tail: number): string {
  return hex(Math.floor(timeMs / 1000), 8) + hex(random.bits(), 8) + hex(tail, 8);
}

const letters = Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const pairs = letters.flatMap((first) => letters.map((second) => first + second));

function otherCase(id: string): string {
  const upper = id.toUpperCase();
  return upper === id ? id.toLowerCase() : upper;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
