/**
 * The events of a batch as bytes (rows, lines), one behind the other in one piece of memory that is used again for the
 * next batch: nothing of an event is left for the garbage collector.
 */
const initialBytes = 64 * 1024;
/** Memory that one large batch has taken is not kept for the next. */
export const keptBytes = 16 * 1024 * 1024;

export class Entries {
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  readonly #offsets: number[] = [];
  /** Where each entry ends. */
  readonly #ends: number[] = [];

  get count(): number {
    return this.#offsets.length;
  }

  /** Where the next entry begins. */
  get end(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Memory with room for so many bytes from `end` on; valid until the next call. */
  room(bytes: number): Buffer {
    const needed = this.end + bytes;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.end);
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  /** @param end of what was written into the room */
  add(offset: number, end: number): void {
    this.#offsets.push(offset);
    this.#ends.push(end);
  }

  removeLast(): void {
    this.#offsets.pop();
    this.#ends.pop();
  }

  /** The memory is used again: nothing may read from it any more. */
  clear(): void {
    this.#offsets.length = 0;
    this.#ends.length = 0;
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  offset(index: number): number {
    return this.#offsets[index] as number;
  }

  /** Aliases the memory. */
  bytes(index: number): Buffer {
    return this.#bytes.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  /** All entries in order, but those at these offsets, in as few pieces as can be; aliases the memory. */
  *pieces(without: ReadonlySet<number>): Generator<Buffer> {
    let start = 0;
    for (let index = 0; without.size > 0 && index < this.count; index++) {
      if (!without.has(this.offset(index))) continue;
      const end = index === 0 ? 0 : (this.#ends[index - 1] as number);
      if (end > start) yield this.#bytes.subarray(start, end);
      start = this.#ends[index] as number;
    }
    if (this.end > start) yield this.#bytes.subarray(start, this.end);
  }
}
