/**
 * What stands at the beginning of each segment file: everything that the segments before it led to, so that opening a
 * log reads one header a segment, and seeking needs no index.
 *
 *   0 'TRIBLOG1' | 8 bytes of the whole header u32 | 12 CRC-32 of the rest u32 | 16 JSON
 */
import { crc32 } from 'node:zlib';
import type { TopicSpec } from '../log.ts';

const MAGIC = Buffer.from('TRIBLOG1', 'latin1');
export const HEADER_HEAD_BYTES = 16;

export interface SegmentHeader {
  readonly version: 1;
  /** Of the log. */
  readonly id: string;
  /** Hexadecimal; part of each frame's head. */
  readonly secret: string;
  /** Of this segment, from 1. */
  readonly sequence: number;
  /** Sequence number of the first frame in this segment. */
  readonly frame: number;
  /** Where the frames of the segment before end. */
  readonly previousBytes: number;
  /** Time of the last frame before this segment. */
  readonly lastTimeMs: number;
  /** A topic's place in the list is its number in frames. */
  readonly topics: readonly TopicSpec[];
  /** By topic and partition: the next offset. */
  readonly next: readonly (readonly number[])[];
}

export interface PlacedHeader extends SegmentHeader {
  /** Where the first frame begins. */
  readonly bytes: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const body = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(HEADER_HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32LE(HEADER_HEAD_BYTES + body.length, 8);
  head.writeUInt32LE(crc32(body), 12);
  return Buffer.concat([head, body]);
}

/** How long the header is that begins so; `undefined` where none does. */
export function segmentHeaderBytes(head: Buffer): number | undefined {
  if (head.length < HEADER_HEAD_BYTES || MAGIC.compare(head, 0, MAGIC.length) !== 0) return undefined;
  const bytes = head.readUInt32LE(8);
  return bytes > HEADER_HEAD_BYTES ? bytes : undefined;
}

/** `undefined` where the bytes are not a whole, undamaged header. */
export function decodeSegmentHeader(bytes: Buffer): PlacedHeader | undefined {
  if (segmentHeaderBytes(bytes) !== bytes.length) return undefined;
  const body = bytes.subarray(HEADER_HEAD_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(12)) return undefined;
  const header = JSON.parse(body.toString()) as SegmentHeader;
  return { ...header, bytes: bytes.length };
}
