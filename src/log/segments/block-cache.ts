/**
 * A few blocks of the segments, read once for all who read nearby. A block at the log's end is filled further as the log
 * grows, and never beyond what is durable.
 */
interface Block {
  readonly buffer: Buffer;
  /** Bytes of it that are read, from its beginning. */
  filled: number;
  /** The read under way. */
  filling: Promise<void>;
  /** While anyone copies from it, its memory is not given to another block. */
  users: number;
}

/** Reads a segment's file from `position` on, as much of `into` as there is; answers the number of bytes. */
export type ReadSegment = (sequence: number, into: Buffer, position: number) => Promise<number>;

/** Two for each of a few partitions that are read one behind the other. */
const KEPT_BLOCKS = 8;

export class BlockCache {
  readonly #blockBytes: number;
  readonly #read: ReadSegment;
  /** Least recently used first. */
  readonly #blocks = new Map<string, Block>();
  #spare: Buffer | undefined;

  constructor(blockBytes: number, read: ReadSegment) {
    this.#blockBytes = blockBytes;
    this.#read = read;
  }

  /** Bytes from `position` on of a segment that is durable up to `end`; fewer where the file is shorter. */
  async copy(sequence: number, position: number, length: number, end: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(length);
    if (length >= this.#blockBytes) return into.subarray(0, await this.#read(sequence, into, position));
    let done = 0;
    while (done < length) {
      const from = (position + done) % this.#blockBytes;
      const wanted = Math.min(length - done, this.#blockBytes - from);
      const count = await this.#copyFrom(sequence, position + done - from, from, wanted, end, into, done);
      done += count;
      if (count < wanted) break;
    }
    return into.subarray(0, done);
  }

  /** Copies from within the block that begins at `start`; answers the number of bytes. */
  async #copyFrom(
    sequence: number,
    start: number,
    from: number,
    length: number,
    end: number,
    into: Buffer,
    at: number,
  ): Promise<number> {
    const block = this.#take(`${sequence}/${start}`);
    block.users += 1;
    try {
      if (block.filled < from + length) await this.#fill(block, sequence, start, from + length, end);
      return block.buffer.copy(into, at, from, Math.min(from + length, block.filled));
    } finally {
      block.users -= 1;
    }
  }

  #take(key: string): Block {
    let block = this.#blocks.get(key);
    if (block === undefined) {
      if (this.#blocks.size >= KEPT_BLOCKS) this.#drop(this.#blocks.keys().next().value!);
      const buffer = this.#spare ?? Buffer.allocUnsafeSlow(this.#blockBytes);
      this.#spare = undefined;
      block = { buffer, filled: 0, filling: Promise.resolve(), users: 0 };
    } else {
      this.#blocks.delete(key);
    }
    this.#blocks.set(key, block);
    return block;
  }

  #drop(key: string): void {
    const block = this.#blocks.get(key);
    this.#blocks.delete(key);
    if (block?.users === 0) this.#spare = block.buffer;
  }

  async #fill(block: Block, sequence: number, start: number, needed: number, end: number): Promise<void> {
    const filling = this.#fillNext(block, sequence, start, needed, end);
    block.filling = filling.catch(() => undefined);
    await filling;
  }

  async #fillNext(block: Block, sequence: number, start: number, needed: number, end: number): Promise<void> {
    await block.filling;
    if (block.filled >= needed) return;
    const to = Math.min(this.#blockBytes, Math.max(needed, end - start));
    const into = block.buffer.subarray(block.filled, to);
    block.filled += await this.#read(sequence, into, start + block.filled);
  }

  forgetBefore(first: number): void {
    for (const key of this.#blocks.keys()) if (Number(key.split('/')[0]) < first) this.#drop(key);
  }
}
