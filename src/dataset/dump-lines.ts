/** A dump as lines, counted from 1, of which no more is held than a line and a chunk. */
import { Fault } from '../errors.ts';

/** Longer than any line of a dump that is one. */
const maxLineBytes = 1024 * 1024;

const lineFeed = 0x0a;

export class DumpLines {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #number = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Of the line that was read last. */
  get number(): number {
    return this.#number;
  }

  /** With its line end. Undefined at the end of the file. @throws Fault DUMP_INVALID for a line that is too long */
  async next(): Promise<Buffer | undefined> {
    let end = this.#rest.indexOf(lineFeed);
    while (end === -1) {
      if (this.#rest.length > maxLineBytes)
        throw new Fault('DUMP_INVALID', `line ${this.#number + 1} is longer than ${maxLineBytes} bytes`);
      const { value, done } = await this.#chunks.next();
      if (done === true) return this.#last();
      const searchedBytes = this.#rest.length;
      this.#rest = searchedBytes === 0 ? value : Buffer.concat([this.#rest, value]);
      end = this.#rest.indexOf(lineFeed, searchedBytes);
    }
    return this.#take(end + 1);
  }

  #last(): Buffer | undefined {
    return this.#rest.length === 0 ? undefined : this.#take(this.#rest.length);
  }

  #take(bytes: number): Buffer {
    const line = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    this.#number += 1;
    return line;
  }
}
