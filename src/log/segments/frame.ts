/**
 * A frame: one group commit, written by one write, there whole or not at all.
 *
 *   head     0 'TBFR' | 4 the log's secret (8 random bytes, so that no payload can pass for a frame)
 *           12 kind u32 | 16 sequence | 24 time, Unix ms | 32 number of sections u32 | 36 payload bytes u32
 *           40 checksum of head and table without these 4 bytes | 44 zero
 *   table   for each section 32 bytes: topic u32 | partition u32 | 8 base offset | 16 records u32 | 20 bytes u32 | 24 checksum u32 | zero
 *   payload the sections' bytes, in the table's order
 *   tail    the secret again, then 'TBEN': shows that a frame's last sector was written
 *
 * Little-endian; sequence, time and offset are float64 (integers below 2^53). Checksums are CRC-32 (zlib).
 */
import { crc32 } from 'node:zlib';

export const FRAME_HEAD_BYTES = 48;
export const SECTION_ENTRY_BYTES = 32;
export const FRAME_PREFIX = Buffer.from('TBFR', 'latin1');
export const SECRET_BYTES = 8;
const TAIL_END = Buffer.from('TBEN', 'latin1');
const FRAME_TAIL_BYTES = SECRET_BYTES + TAIL_END.length;
/** A section holds at most this, or one record: what a reader checks and holds at once. */
export const MAX_SECTION_BYTES = 1 << 20;

export const FRAME_KIND = { records: 0, topics: 1 } as const;

/** Where a frame was expected and there is none that can be trusted. */
export interface Damage {
  readonly position: number;
  readonly what: string;
}

export interface Section {
  readonly topicId: number;
  readonly partition: number;
  readonly baseOffset: number;
  readonly count: number;
  readonly bytes: number;
  readonly checksum: number;
  /** In the segment file. */
  readonly position: number;
}

/** The head and table of a frame in a segment, proved by their checksum. */
export class Frame {
  readonly position: number;
  readonly #head: Buffer;

  constructor(position: number, head: Buffer) {
    this.position = position;
    this.#head = head;
  }

  get kind(): number {
    return this.#head.readUInt32LE(12);
  }

  get sequence(): number {
    return this.#head.readDoubleLE(16);
  }

  get timeMs(): number {
    return this.#head.readDoubleLE(24);
  }

  get sectionCount(): number {
    return this.#head.readUInt32LE(32);
  }

  /** Where the next frame begins. */
  get end(): number {
    return this.position + frameBytes(this.sectionCount, this.#head.readUInt32LE(36));
  }

  /** The first section of the partition that reaches beyond `offset`. */
  find(topicId: number, partition: number, offset: number): Section | undefined {
    const head = this.#head;
    let position = this.position + head.length;
    for (let at = FRAME_HEAD_BYTES; at < head.length; at += SECTION_ENTRY_BYTES) {
      if (
        head.readUInt32LE(at) === topicId &&
        head.readUInt32LE(at + 4) === partition &&
        head.readDoubleLE(at + 8) + head.readUInt32LE(at + 16) > offset
      )
        return readEntry(head, at, position);
      position += head.readUInt32LE(at + 20);
    }
    return undefined;
  }

  *sections(): Generator<Section> {
    let position = this.position + this.#head.length;
    for (let at = FRAME_HEAD_BYTES; at < this.#head.length; at += SECTION_ENTRY_BYTES) {
      const section = readEntry(this.#head, at, position);
      yield section;
      position += section.bytes;
    }
  }
}

export const frameBytes = (sections: number, payloadBytes: number): number =>
  headBytes(sections) + payloadBytes + FRAME_TAIL_BYTES;

/** What every frame of a log begins with. */
export const frameMark = (secret: string): Buffer => Buffer.concat([FRAME_PREFIX, Buffer.from(secret, 'hex')]);

/** What every frame of a log ends with. */
export const frameTail = (secret: string): Buffer => Buffer.concat([Buffer.from(secret, 'hex'), TAIL_END]);

export const headBytes = (sections: number): number => FRAME_HEAD_BYTES + sections * SECTION_ENTRY_BYTES;

/** Of a head and table, whatever stands in the checksum's own place. */
export const headChecksum = (head: Buffer): number => crc32(head.subarray(44), crc32(head.subarray(0, 40)));

export const storedHeadChecksum = (head: Buffer): number => head.readUInt32LE(40);

function readEntry(head: Buffer, at: number, position: number): Section {
  return {
    topicId: head.readUInt32LE(at),
    partition: head.readUInt32LE(at + 4),
    baseOffset: head.readDoubleLE(at + 8),
    count: head.readUInt32LE(at + 16),
    bytes: head.readUInt32LE(at + 20),
    checksum: head.readUInt32LE(at + 24),
    position,
  };
}
