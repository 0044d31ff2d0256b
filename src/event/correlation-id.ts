/**
 * The correlation id of an event: a UUID of RFC 9562, version 8, from which its package can be regrouped.
 *
 *   tttttttt-tttt-8rrr-vrrr-rrrrrriiiiii
 *
 * t: 48 bits of Unix milliseconds · r: 12 + 38 random bits · v: the variant, 10, before two of them · i: 24 bits of
 * index in the package. Events of a package share all but the index, so that a package is one range of ids; the package's
 * own id is that of index 0.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Uuid } from './ids.ts';

declare const prefixBrand: unique symbol;

/** All of a package's correlation ids but the index: 30 characters. */
export type PackagePrefix = string & { readonly [prefixBrand]: true };

/** The most events that a package can number. */
export const maxPackageEvents = 2 ** 24;

export interface PackageIdOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Integers, evenly distributed, 0 <= n < 2^50. Default: from the system's secure source. */
  readonly random?: () => number;
}

const randomSpan = 2 ** 50;

/**
 * Answers a function that makes a prefix for each package. Random bits start at random and go on in random, odd
 * steps, so that they return only after 2^50 packages: no two packages of one process share an id, whatever its clock does.
 */
export function createPackageIds({ now, random = secureRandom }: PackageIdOptions): () => PackagePrefix {
  let bits = random();
  const step = Math.floor(random() / 2) * 2 + 1;
  return () => {
    bits = (bits + step) % randomSpan;
    return prefix(now(), bits);
  };
}

/** @param index in the package, 0 <= index < 2^24 */
export function correlationId(packagePrefix: PackagePrefix, index: number): Uuid {
  if (!(index >= 0 && index < maxPackageEvents)) throw new RangeError(`no index of 24 bits: ${index}`);
  return (packagePrefix + (0x100_0000 + index).toString(16).slice(1)) as Uuid;
}

/** The package of an event, by its correlation id: its id at index 0. */
export function packageOf(id: string): Uuid {
  return `${id.slice(0, 30)}000000` as Uuid;
}

/** What the ids of a package share, by the correlation id of any of its events. */
export function prefixOf(id: string): PackagePrefix {
  return id.slice(0, 30) as PackagePrefix;
}

/** The index of an event in its package, by its correlation id. */
export function indexOf(id: string): number {
  return Number.parseInt(id.slice(30), 16);
}

export interface CorrelationIdParts {
  readonly packageId: Uuid;
  readonly index: number;
  /** When the package was received, Unix milliseconds. */
  readonly timeMs: number;
}

/** What a correlation id tells; of text that is none, nothing that means anything. */
export function correlationIdParts(id: string): CorrelationIdParts {
  const timeMs = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return { packageId: packageOf(id), index: indexOf(id), timeMs };
}

const correlationIdPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** In lower case, as they are made. */
export function isCorrelationId(text: string): text is Uuid {
  return correlationIdPattern.test(text);
}

/**
 * The id of the event that the nth replay of a dead letter makes: the same whenever it is asked for. Time of receipt and index
 * are those of the letter, and the random bits a digest of its package and of n, so that what is replayed of one package is one
 * package again.
 * @param replay from 1
 */
export function replayCorrelationId(letterId: string, replay: number): Uuid {
  const { packageId, index, timeMs } = correlationIdParts(letterId);
  const digest = createHash('sha256').update(`replay ${replay} of ${packageId}`).digest();
  const bits = digest.readUIntBE(0, 6) * 4 + (digest.readUInt8(6) & 3);
  return correlationId(prefix(timeMs, bits), index);
}

/** @param bits 50 of them, which fill what version and variant leave: 12, 14 and 24 */
function prefix(timeMs: number, bits: number): PackagePrefix {
  const time = `${hex(Math.floor(timeMs / 2 ** 16), 8)}-${hex(timeMs % 2 ** 16, 4)}`;
  const version = hex(0x8000 + Math.floor(bits / 2 ** 38), 4);
  const variant = hex(0x8000 + (Math.floor(bits / 2 ** 24) % 2 ** 14), 4);
  return `${time}-${version}-${variant}-${hex(bits % 2 ** 24, 6)}` as PackagePrefix;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function secureRandom(): number {
  const bytes = randomBytes(7);
  return bytes.readUIntBE(0, 6) * 4 + (bytes.readUInt8(6) & 3);
}
