/** Frames in a segment file, each proved before anything in it is believed. */
import { crc32 } from 'node:zlib';
import { Fault } from '../../errors.ts';
import {
  type Damage,
  Frame,
  FRAME_HEAD_BYTES,
  headBytes,
  headChecksum,
  type Section,
  storedHeadChecksum,
} from './frame.ts';
import type { SegmentSet } from './segment-set.ts';

export const isDamage = (found: Frame | Damage): found is Damage => !(found instanceof Frame);

/** Most frames have few sections: their head and table are read at once. */
const HEAD_GUESS_BYTES = headBytes(14);

/** The frame at `position` of a segment whose frames end at `end`. Its sections are not checked. */
export async function readFrame(
  segments: SegmentSet,
  mark: Buffer,
  sequence: number,
  position: number,
  end: number,
): Promise<Frame | Damage> {
  const damage = (what: string): Damage => ({ position, what });
  if (position + FRAME_HEAD_BYTES > end) return damage('a frame is cut off in its head');
  const start = await segments.copy(sequence, position, Math.min(HEAD_GUESS_BYTES, end - position), end);
  if (start.length < FRAME_HEAD_BYTES) return damage('the file ends inside a frame');
  if (mark.compare(start, 0, mark.length) !== 0) return damage('there is no frame where one must begin');
  const bytes = headBytes(start.readUInt32LE(32));
  if (position + bytes > end) return damage('a frame is cut off in its table');
  const head = bytes <= start.length ? start.subarray(0, bytes) : await segments.copy(sequence, position, bytes, end);
  if (head.length < bytes || headChecksum(head) !== storedHeadChecksum(head))
    return damage("a frame's head does not match its checksum");
  const frame = new Frame(position, head);
  return frame.end > end ? damage('a frame is cut off') : frame;
}

/** A section's bytes, in memory of their own; `undefined` where they do not match their checksum. */
export async function readSection(
  segments: SegmentSet,
  sequence: number,
  section: Section,
  end: number,
): Promise<Buffer | undefined> {
  const bytes = await segments.copy(sequence, section.position, section.bytes, end);
  return bytes.length === section.bytes && crc32(bytes) === section.checksum ? bytes : undefined;
}

/** Proves all of a frame, which must end with `tail`; answers the damage that it found. */
export async function checkFrame(
  segments: SegmentSet,
  sequence: number,
  frame: Frame,
  tail: Buffer,
  end: number,
): Promise<Damage | undefined> {
  for (const section of frame.sections())
    if ((await readSection(segments, sequence, section, end)) === undefined)
      return { position: section.position, what: "a section's records do not match their checksum" };
  const position = frame.end - tail.length;
  const stands = await segments.copy(sequence, position, tail.length, end);
  return stands.equals(tail) ? undefined : { position, what: 'a frame has no tail' };
}

export function rotten(path: string, damage: Damage, where = ''): Fault {
  return new Fault('LOG_ROTTEN', `${path} is damaged at byte ${damage.position}: ${damage.what}${where}.`);
}
