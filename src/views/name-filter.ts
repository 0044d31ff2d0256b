/**
 * Which names have been added: surely not, or perhaps (a Bloom filter). It takes 8 MiB however many there are. Of two million names that
 * were not added, one in a thousand seems to be there; of twenty million one in five.
 */
import { mixBits, textHash } from '../event/text-hash.ts';

const bits = 2 ** 26;
const hashes = 3;

export class NameFilter {
  readonly #words = new Uint32Array(bits / 32);

  add(name: string): void {
    const hash = textHash(name);
    for (let nth = 0, bit = hash; nth < hashes; nth++, bit = nextBit(bit)) {
      const at = bit % bits;
      this.#words[at >>> 5] = (this.#words[at >>> 5] as number) | (1 << (at & 31));
    }
  }

  mayHave(name: string): boolean {
    for (let nth = 0, bit = textHash(name); nth < hashes; nth++, bit = nextBit(bit)) {
      const at = bit % bits;
      if (((this.#words[at >>> 5] as number) & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }
}

function nextBit(hash: number): number {
  return mixBits(hash + 0x9e3779b9);
}
