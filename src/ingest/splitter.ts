/**
 * Cuts the bytes of a body into the bytes of single events while they stream: never more than one incomplete event is
 * held, and an event is handed on with the chunk that completes it.
 */
export interface EventSplitter {
  /**
   * The events that this chunk completes, in order. They may alias the chunk: valid until the chunk is reused. Bytes of
   * an incomplete event are copied.
   * @throws Fault NOT_JSON; the splitter is of no use after that
   */
  push(chunk: Buffer): readonly SplitEvent[];
  /**
   * The body is over: what is left.
   * @throws Fault NOT_JSON (there is nothing in the body), BODY_INCOMPLETE (it stops half-way)
   */
  end(): readonly SplitEvent[];
  /** Bytes of the incomplete event. */
  readonly heldBytes: number;
}

export interface SplitEvent {
  /** As received, without the whitespace around it. */
  readonly bytes: Buffer;
  /** Nested deeper than `maxNestingLevels`: not to be given to anything that may recurse, or build what it reads. */
  readonly tooDeep: boolean;
}

const firstCapacityBytes = 1024;
const nothing = Buffer.alloc(0);

/**
 * Bytes of an event that came in pieces. One growing buffer, not a list of pieces: as a list, a body of one-byte chunks
 * would take a hundred times its size.
 */
export class HeldBytes {
  #buffer = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(firstCapacityBytes, 2 * needed));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#length, start, end);
    this.#length = needed;
  }

  /** The bytes up to `end` of the chunk: a view where nothing is held. Nothing is held after it. */
  join(chunk: Buffer, start: number, end: number): Buffer {
    if (this.#length === 0) return chunk.subarray(start, end);
    this.add(chunk, start, end);
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#buffer = nothing;
    this.#length = 0;
    return bytes;
  }
}
