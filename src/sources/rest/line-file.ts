/**
 * The lines of the run under way, in a file beside that of SQLite, which says where they stand: written before that is committed, and not
 * synced. After a power cut they may not be what they were: who goes on with them compares their checksums.
 */
import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** So much waits to be written at most. */
const mostWaitingBytes = 1024 * 1024;

export class LineFile {
  readonly path: string;
  readonly #file: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** With what waits. */
  length = 0;

  /** Made where there is none. */
  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  add(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.length += bytes.length;
    if (this.#waitingBytes >= mostWaitingBytes) this.flush();
  }

  flush(): void {
    const bytes = Buffer.concat(this.#waiting);
    const start = this.length - bytes.length;
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at, bytes.length - at, start + at);
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** To that length, which it has: nothing waits any more. */
  cut(length: number): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.length = length;
    ftruncateSync(this.#file, length);
  }

  read(start: number, length: number): Buffer {
    this.flush();
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const read = readSync(this.#file, bytes, at, length - at, start + at);
      if (read === 0) break; // it is shorter: the rest is zeros, which no lines are
      at += read;
    }
    return bytes;
  }

  holds(start: number, length: number, crc: number): boolean {
    return crc32(this.read(start, length)) === crc;
  }

  close(): void {
    closeSync(this.#file);
  }
}
