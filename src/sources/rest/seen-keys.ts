/**
 * The keys that a run has had, in memory that does not grow with it: an item that comes again is known at once. A hash of each key stands
 * in a table of at most 24 MiB; whether two keys of one hash are the same says who has the keys, so nothing depends on the hash.
 *
 * Where there are more keys than that, the table forgets half of all hashes, then half of the rest. Those are looked for at the end, a
 * share at a time (`shares`, `begin`).
 */
import { textHash } from '../../event/text-hash.ts';

const firstSlots = 1 << 10;
/** Of 12 bytes each. */
const mostSlots = 1 << 21;
/** Of the slots that are taken, at most. */
const fullness = 0.7;
/** Of the other half of a hash: any but the usual one would do. */
const otherStart = 0x9e3779b9;

export interface SeenKeysOptions {
  /** The key of the item at that place. */
  readonly keyAt: (place: number) => string | null;
  /** At most. Default: those of 24 MiB. A power of two. */
  readonly slots?: number;
}

export class SeenKeys {
  readonly #keyAt: SeenKeysOptions['keyAt'];
  readonly #mostSlots: number;
  /** One more than the place; 0: a free slot. */
  #places = new Uint32Array(firstSlots);
  #hashes = new Uint32Array(2 * firstSlots);
  #taken = 0;
  /** Hashes whose first `#bits` bits are `#share` are in the table. */
  #bits = 0;
  #share = 0;

  constructor({ keyAt, slots = mostSlots }: SeenKeysOptions) {
    this.#keyAt = keyAt;
    this.#mostSlots = slots;
  }

  /** In how many parts the keys are looked at: 1, all of them are in the table. */
  get shares(): number {
    return 2 ** this.#bits;
  }

  /** So many keys are in the table for sure, if no others were added. */
  get room(): number {
    return Math.floor(fullness * this.#mostSlots);
  }

  /** Of all keys, or of that share of them, which were not looked at before: then all are to be added, and none is forgotten. */
  begin(share?: number): void {
    if (share === undefined) this.#bits = 0;
    this.#share = share ?? 0;
    this.#taken = 0;
    this.#places = new Uint32Array(firstSlots);
    this.#hashes = new Uint32Array(2 * firstSlots);
  }

  /** @param place a whole number below 2 ** 32 - 1 @returns the place of the first item that had the key, or undefined */
  add(key: string, place: number): number | undefined {
    const high = textHash(key);
    if (!this.#isOurs(high)) return undefined;
    const low = textHash(key, otherStart);
    const mask = this.#places.length - 1;
    let slot = low & mask;
    for (let found = this.#places[slot]; found; found = this.#places[slot]) {
      const isSame = this.#hashes[2 * slot] === high && this.#hashes[2 * slot + 1] === low;
      if (isSame && this.#keyAt(found - 1) === key) return found - 1;
      slot = (slot + 1) & mask;
    }
    this.#put(slot, place + 1, high, low);
    if (this.#taken > fullness * this.#places.length) this.#makeRoom();
    return undefined;
  }

  #isOurs(high: number): boolean {
    return this.#bits === 0 || high >>> (32 - this.#bits) === this.#share;
  }

  #put(slot: number, place: number, high: number, low: number): void {
    this.#places[slot] = place;
    this.#hashes[2 * slot] = high;
    this.#hashes[2 * slot + 1] = low;
    this.#taken += 1;
  }

  /** Twice the slots; from the most on half of the keys, unless a share is being looked at. */
  #makeRoom(): void {
    const [places, hashes] = [this.#places, this.#hashes];
    const isFull = places.length >= this.#mostSlots && this.#share === 0;
    if (isFull) this.#bits += 1;
    const length = isFull ? places.length : 2 * places.length;
    this.#places = new Uint32Array(length);
    this.#hashes = new Uint32Array(2 * length);
    this.#taken = 0;
    for (const [from, place] of places.entries()) {
      const [high, low] = [hashes[2 * from] as number, hashes[2 * from + 1] as number];
      if (place === 0 || !this.#isOurs(high)) continue;
      let slot = low & (length - 1);
      while (this.#places[slot]) slot = (slot + 1) & (length - 1);
      this.#put(slot, place, high, low);
    }
  }
}
