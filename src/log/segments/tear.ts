/**
 * Tells a torn last frame from a rotten one. A write that a power cut interrupts leaves each 512-byte sector either as the
 * frame has it or as it was: zeros. So a frame that was torn lacks a sector, all zeros (its own part of the first and of the last
 * sector never are zeros: a frame begins with its mark and ends with its tail), and no frame follows it. Damage without such a
 * sector, or before another frame, was done later.
 *
 * What this cannot tell: a flipped bit in the very last frame, when that frame also has a sector of zeros in its records, or
 * when the bit is in its tail, and the durable mark was lost with the power.
 */
import {
  FRAME_HEAD_BYTES,
  FRAME_PREFIX,
  frameMark,
  frameTail,
  headBytes,
  headChecksum,
  storedHeadChecksum,
} from './frame.ts';
import { isDamage, readFrame } from './frame-reader.ts';
import type { LogState } from './log-state.ts';
import type { SegmentSet } from './segment-set.ts';

const SECTOR_BYTES = 512;
const PIECE_BYTES = 1 << 20;
/** A frame's mark in which so many bytes are still right was a mark once. */
const MARK_BYTES_LEFT = 8;

/** Whether what stands behind the last good frame, at `state.end`, is a torn frame or nothing. */
export async function isTorn(segments: SegmentSet, state: LogState, size: number): Promise<boolean> {
  const mark = frameMark(state.secret);
  const { sequence, end } = state;
  // Also one of which only the mark came to disk: a frame is begun when the one before it is durable.
  if ((await positionsOf(segments, mark, sequence, end + 1, size).next()).done !== true) return false;
  const begin = await segments.copy(sequence, end, Math.min(mark.length, size - end), size);
  let same = 0;
  for (const [i, byte] of begin.entries()) if (byte === mark[i]) same += 1;
  if (same < MARK_BYTES_LEFT) return true;
  const frame = await readFrame(segments, mark, sequence, end, size);
  if (!isDamage(frame)) return lacksSector(segments, sequence, end, frame.end, size);
  // How long the frame was its head does not tell; where its last sector was written, its tail does.
  const tail = frameTail(state.secret);
  const { value: last } = await positionsOf(segments, tail, sequence, end, size).next();
  return last === undefined || lacksSector(segments, sequence, end, last + tail.length, size);
}

/** Whether one of the sectors that a frame at `[from, to)` takes part in is all zeros within the frame. */
async function lacksSector(
  segments: SegmentSet,
  sequence: number,
  from: number,
  to: number,
  size: number,
): Promise<boolean> {
  for (let at = from; at < to;) {
    const next = Math.min(to, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
    const sector = await segments.copy(sequence, at, next - at, size);
    if (sector.every((byte) => byte === 0)) return true;
    at = next;
  }
  return false;
}

/** Where `bytes` stand at or after `from`. */
async function* positionsOf(
  segments: SegmentSet,
  bytes: Buffer,
  sequence: number,
  from: number,
  size: number,
): AsyncGenerator<number, undefined> {
  for (let at = from; at < size; at += PIECE_BYTES) {
    // Pieces overlap, so that what stands on their border is found.
    const piece = await segments.copy(sequence, at, Math.min(PIECE_BYTES + bytes.length, size - at), size);
    for (let i = piece.indexOf(bytes); i >= 0; i = piece.indexOf(bytes, i + 1)) yield at + i;
  }
  return undefined;
}

async function isHead(segments: SegmentSet, sequence: number, position: number, size: number): Promise<boolean> {
  if (position + FRAME_HEAD_BYTES > size) return false;
  const fixed = await segments.copy(sequence, position, FRAME_HEAD_BYTES, size);
  const bytes = headBytes(fixed.readUInt32LE(32));
  if (position + bytes > size) return false;
  const head = await segments.copy(sequence, position, bytes, size);
  return head.length === bytes && headChecksum(head) === storedHeadChecksum(head);
}

/** Whether a frame of whatever log stands in a segment whose header is not there to say which. */
export async function holdsFrame(segments: SegmentSet, sequence: number): Promise<boolean> {
  const size = await segments.size(sequence);
  for await (const position of positionsOf(segments, FRAME_PREFIX, sequence, 0, size))
    if (await isHead(segments, sequence, position, size)) return true;
  return false;
}
