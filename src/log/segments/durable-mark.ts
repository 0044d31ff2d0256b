/**
 * Tells other processes how far the log is durable: `<dir>/durable`, written after each frame without a sync, so that
 * it can lag behind what is on disk and never be ahead of it. Two copies in different sectors, written in turns: a reader
 * that meets one half written takes the other.
 *
 *   0 'TRIBMARK' | 8 CRC-32 of the rest u32 | 12 zero | 16 segment | 24 end in it | 32 next frame | 40 oldest segment |
 *   48 first 8 characters of the log's id         (numbers are float64, little-endian)
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isMissing, type LogFile, type LogFiles } from './files.ts';

const MAGIC = Buffer.from('TRIBMARK', 'latin1');
const COPY_BYTES = 56;
const COPY_DISTANCE_BYTES = 512;
const ID_CHARACTERS = 8;

export interface DurableMark {
  readonly sequence: number;
  readonly end: number;
  /** Sequence number of the next frame. */
  readonly frame: number;
  readonly oldest: number;
  readonly id: string;
}

export const markPath = (dir: string): string => join(dir, 'durable');

function encode(mark: DurableMark): Buffer {
  const bytes = Buffer.alloc(COPY_BYTES);
  MAGIC.copy(bytes);
  bytes.writeDoubleLE(mark.sequence, 16);
  bytes.writeDoubleLE(mark.end, 24);
  bytes.writeDoubleLE(mark.frame, 32);
  bytes.writeDoubleLE(mark.oldest, 40);
  bytes.write(mark.id.slice(0, ID_CHARACTERS), 48, 'latin1');
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return bytes;
}

function decode(bytes: Buffer): DurableMark | undefined {
  if (bytes.length < COPY_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return undefined;
  if (crc32(bytes.subarray(12, COPY_BYTES)) !== bytes.readUInt32LE(8)) return undefined;
  return {
    sequence: bytes.readDoubleLE(16),
    end: bytes.readDoubleLE(24),
    frame: bytes.readDoubleLE(32),
    oldest: bytes.readDoubleLE(40),
    id: bytes.toString('latin1', 48, COPY_BYTES),
  };
}

const isNewer = (a: DurableMark, b: DurableMark): boolean =>
  a.frame > b.frame || (a.frame === b.frame && (a.sequence > b.sequence || a.oldest > b.oldest));

/** The newer of the two copies that is whole. */
export async function readMark(file: LogFile): Promise<DurableMark | undefined> {
  const bytes = Buffer.alloc(COPY_DISTANCE_BYTES + COPY_BYTES);
  const count = await file.read(bytes, 0);
  const first = decode(bytes.subarray(0, Math.min(count, COPY_BYTES)));
  const second = decode(bytes.subarray(COPY_DISTANCE_BYTES, Math.max(count, COPY_DISTANCE_BYTES)));
  if (first === undefined || second === undefined) return first ?? second;
  return isNewer(second, first) ? second : first;
}

export async function openMark(files: LogFiles, dir: string): Promise<LogFile | undefined> {
  try {
    return await files.open(markPath(dir), 'read');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export const belongsTo = (mark: DurableMark, id: string): boolean => mark.id === id.slice(0, ID_CHARACTERS);

/** Writes marks one after the other; of those that come while one is being written only the last. */
export class MarkWriter {
  readonly #file: LogFile;
  readonly #fail: (error: unknown) => void;
  #waiting: DurableMark | undefined;
  #writing: Promise<void> | undefined;
  #copy = 0;

  constructor(file: LogFile, fail: (error: unknown) => void) {
    this.#file = file;
    this.#fail = fail;
  }

  /** Writes both copies, so that no later mark needs space on the disk. */
  async begin(mark: DurableMark): Promise<void> {
    const copies = Buffer.alloc(COPY_DISTANCE_BYTES + COPY_BYTES);
    encode(mark).copy(copies);
    encode(mark).copy(copies, COPY_DISTANCE_BYTES);
    await this.#file.write(copies, 0);
  }

  update(mark: DurableMark): void {
    this.#waiting = mark;
    this.#writing ??= this.#writeWaiting();
  }

  async #writeWaiting(): Promise<void> {
    try {
      while (this.#waiting !== undefined) {
        const mark = this.#waiting;
        this.#waiting = undefined;
        await this.#file.write(encode(mark), this.#copy * COPY_DISTANCE_BYTES);
        this.#copy = 1 - this.#copy;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = undefined;
    }
  }

  /** Resolves when the last mark is written. */
  async idle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    await this.idle();
    await this.#file.close();
  }
}
