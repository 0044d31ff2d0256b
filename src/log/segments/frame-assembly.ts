/** Puts a frame together from batches, in one buffer, ready to be written. */
import { crc32 } from 'node:zlib';
import type { TopicSpec } from '../log.ts';
import {
  Frame,
  FRAME_HEAD_BYTES,
  FRAME_KIND,
  frameBytes,
  frameMark,
  frameTail,
  headBytes,
  headChecksum,
  MAX_SECTION_BYTES,
  SECTION_ENTRY_BYTES,
} from './frame.ts';
import type { LogState } from './log-state.ts';
import type { Chunk, Part, SegmentBatch } from './segment-batch.ts';

export interface AssembledFrame {
  /** Reused: valid until the next frame is assembled. */
  readonly bytes: Buffer;
  readonly frame: Frame;
}

interface Gathered {
  readonly part: Part;
  readonly baseOffset: number;
  readonly chunks: Chunk[];
  count: number;
  bytes: number;
}

/** What a batch adds to a frame, at most: its partitions may share sections with other batches. */
export function frameShare(batch: SegmentBatch): number {
  let sections = 0;
  for (const part of batch.parts.values()) sections += part.chunks.length;
  return sections * SECTION_ENTRY_BYTES + batch.payloadBytes;
}

export const EMPTY_FRAME_BYTES = frameBytes(0, 0);

/** A buffer of more than this is not kept for the next frame. */
const KEPT_BUFFER_BYTES = 8 << 20;

export class FrameAssembler {
  #buffer: Buffer = Buffer.alloc(0);

  /** The frame of `batches` that follows on `state`, taken at `timeMs`. */
  records(batches: readonly SegmentBatch[], state: LogState, timeMs: number): AssembledFrame {
    const sections = gather(batches, state);
    let payloadBytes = 0;
    for (const section of sections) payloadBytes += section.bytes;
    const bytes = this.#take(frameBytes(sections.length, payloadBytes));
    let entry = FRAME_HEAD_BYTES;
    let at = headBytes(sections.length);
    for (const section of sections) {
      const start = at;
      for (const chunk of section.chunks) at += chunk.buffer.copy(bytes, at, 0, chunk.used);
      writeEntry(bytes, entry, section, crc32(bytes.subarray(start, at)));
      entry += SECTION_ENTRY_BYTES;
    }
    return finish(bytes, FRAME_KIND.records, sections.length, payloadBytes, state, timeMs);
  }

  /** The frame that makes `topics` the topics of the log. */
  topics(topics: readonly TopicSpec[], state: LogState, timeMs: number): AssembledFrame {
    const payload = Buffer.from(JSON.stringify(topics));
    const bytes = this.#take(frameBytes(1, payload.length));
    payload.copy(bytes, headBytes(1));
    const section = { part: { topicId: 0, partition: 0 }, baseOffset: 0, count: 0, bytes: payload.length };
    writeEntry(bytes, FRAME_HEAD_BYTES, section, crc32(payload));
    return finish(bytes, FRAME_KIND.topics, 1, payload.length, state, timeMs);
  }

  #take(bytes: number): Buffer {
    if (bytes > KEPT_BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes);
    if (this.#buffer.length < bytes)
      this.#buffer = Buffer.allocUnsafeSlow(Math.min(KEPT_BUFFER_BYTES, Math.max(bytes, 2 * this.#buffer.length)));
    return this.#buffer.subarray(0, bytes);
  }
}

/** Sections of consecutive records: those of one partition together, whatever batch they came with. */
function gather(batches: readonly SegmentBatch[], state: LogState): Gathered[] {
  const byPlace = new Map<number, Gathered[]>();
  for (const batch of batches)
    for (const [key, part] of batch.parts) {
      let sections = byPlace.get(key);
      if (sections === undefined) byPlace.set(key, (sections = []));
      for (const chunk of part.chunks) place(sections, part, chunk, state);
    }
  return [...byPlace.values()].flat();
}

function place(sections: Gathered[], part: Part, chunk: Chunk, state: LogState): void {
  const last = sections.at(-1);
  if (last !== undefined && last.bytes + chunk.used <= MAX_SECTION_BYTES) {
    last.chunks.push(chunk);
    last.count += chunk.count;
    last.bytes += chunk.used;
    return;
  }
  const baseOffset = last === undefined ? state.next(part) : last.baseOffset + last.count;
  sections.push({ part, baseOffset, chunks: [chunk], count: chunk.count, bytes: chunk.used });
}

interface Entry {
  readonly part: { readonly topicId: number; readonly partition: number };
  readonly baseOffset: number;
  readonly count: number;
  readonly bytes: number;
}

function writeEntry(into: Buffer, at: number, entry: Entry, checksum: number): void {
  into.writeUInt32LE(entry.part.topicId, at);
  into.writeUInt32LE(entry.part.partition, at + 4);
  into.writeDoubleLE(entry.baseOffset, at + 8);
  into.writeUInt32LE(entry.count, at + 16);
  into.writeUInt32LE(entry.bytes, at + 20);
  into.writeUInt32LE(checksum, at + 24);
  into.writeUInt32LE(0, at + 28);
}

function finish(
  bytes: Buffer,
  kind: number,
  sections: number,
  payloadBytes: number,
  state: LogState,
  timeMs: number,
): AssembledFrame {
  frameMark(state.secret).copy(bytes, 0);
  bytes.writeUInt32LE(kind, 12);
  bytes.writeDoubleLE(state.frame, 16);
  bytes.writeDoubleLE(timeMs, 24);
  bytes.writeUInt32LE(sections, 32);
  bytes.writeUInt32LE(payloadBytes, 36);
  bytes.writeUInt32LE(0, 44);
  const head = bytes.subarray(0, headBytes(sections));
  head.writeUInt32LE(headChecksum(head), 40);
  const tail = frameTail(state.secret);
  tail.copy(bytes, bytes.length - tail.length);
  return { bytes, frame: new Frame(state.end, head) };
}
