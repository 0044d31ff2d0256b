/**
 * Which names have been added: surely not, or perhaps (a Bloom filter). It takes 8 MiB however many there are. Of two million names that
 * were not added, one in a thousand seems to be there; of twenty million one in five.
 */
const bits = 2 ** 26;
const hashes = 3;

export class NameFilter {
  readonly #words = new Uint32Array(bits / 32);

  add(name: string): void {
    const hash = hashOf(name);
    for (let nth = 0, bit = hash; nth < hashes; nth++, bit = nextBit(bit)) {
      const at = bit % bits;
      this.#words[at >>> 5] = (this.#words[at >>> 5] as number) | (1 << (at & 31));
    }
  }

  mayHave(name: string): boolean {
    for (let nth = 0, bit = hashOf(name); nth < hashes; nth++, bit = nextBit(bit)) {
      const at = bit % bits;
      if (((this.#words[at >>> 5] as number) & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }
}

/** FNV-1a, mixed as in MurmurHash3, since names differ in their last letters. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

function nextBit(hash: number): number {
  return mixed(hash + 0x9e3779b9);
}

function mixed(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return (second ^ (second >>> 16)) >>> 0;
}
