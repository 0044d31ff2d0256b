/**
 * Opens what a writer left, however it ended.
 *
 * - A frame is kept when all of it proves true, and is brought to disk before anyone sees it: after kill -9 the page cache can
 *   hold a frame that the disk does not, and after a failed write it can hold one that it takes for written.
 * - Only the last frame can be torn, as each is written after the one before it is durable. A torn tail is cut.
 * - Damage that tearing does not explain is rot (LOG_ROTTEN): what was acknowledged may be in it.
 */
import { Fault } from '../../errors.ts';
import type { TopicSpec } from '../log.ts';
import { belongsTo, type DurableMark } from './durable-mark.ts';
import type { LogFile, LogFiles } from './files.ts';
import { type Damage, FRAME_KIND, type Frame, frameMark, frameTail } from './frame.ts';
import { checkFrame, isDamage, readFrame, readSection, rotten } from './frame-reader.ts';
import type { LogState } from './log-state.ts';
import type { PlacedHeader } from './segment-header.ts';
import { checkWithoutHole, listSegments, segmentPath, SegmentSet } from './segment-set.ts';
import { holdsFrame, isTorn } from './tear.ts';

export interface Recovered {
  readonly first: number;
  /** Of the newest segment. */
  readonly headerBytes: number;
}

/** Rewritten and copied in pieces of this size. */
const PIECE_BYTES = 1 << 20;

/** `undefined` where there is no log yet. Leaves `state` at the end of what is durable. */
export async function recover(
  files: LogFiles,
  dir: string,
  mark: DurableMark | undefined,
  state: LogState,
  blockBytes?: number,
): Promise<Recovered | undefined> {
  // Read on its own: what is read here of a tail that is cut must not stay in anyone's blocks.
  const segments = new SegmentSet(files, dir, blockBytes);
  try {
    const sequences = await listSegments(files, dir);
    checkWithoutHole(dir, sequences);
    const newest = await findNewest(files, segments, sequences, mark);
    if (newest === undefined) return undefined;
    segments.first = sequences[0]!;
    for (const sequence of sequences.slice(0, -1))
      if (sequence < newest.sequence) await checkHeader(segments, sequence, newest);
    await recoverNewest(files, segments, newest, mark, state);
    return { first: segments.first, headerBytes: newest.bytes };
  } finally {
    await segments.close();
  }
}

/** The newest segment that was begun. One that was only made ready, or whose header is torn, is removed. */
async function findNewest(
  files: LogFiles,
  segments: SegmentSet,
  sequences: readonly number[],
  mark: DurableMark | undefined,
): Promise<PlacedHeader | undefined> {
  const last = sequences.at(-1);
  const dir = segments.dir;
  if (last === undefined) {
    if (mark !== undefined) throw new Fault('LOG_ROTTEN', `${segmentPath(dir, mark.sequence)} is missing.`);
    return undefined;
  }
  const header = await segments.findHeader(last);
  if (header !== undefined) {
    if (header.sequence !== last) throw rotten(segments.path(last), { position: 0, what: 'it is another segment' });
    return header;
  }
  // Alone it was begun for certain, except in a log that was never open.
  const isAlone = sequences.length === 1 && (last !== 1 || mark !== undefined);
  if (isAlone || (mark !== undefined && mark.sequence >= last) || (await holdsFrame(segments, last)))
    throw rotten(segments.path(last), { position: 0, what: 'its header does not match its checksum' });
  await segments.close();
  await files.remove(segments.path(last));
  await files.syncDirectory(dir);
  if (sequences.length === 1) return undefined;
  return segments.header(last - 1);
}

async function checkHeader(segments: SegmentSet, sequence: number, newest: PlacedHeader): Promise<void> {
  const header = await segments.header(sequence);
  if (header.id !== newest.id)
    throw rotten(segments.path(sequence), { position: 0, what: `it belongs to another log, ${header.id}` });
}

async function recoverNewest(
  files: LogFiles,
  segments: SegmentSet,
  header: PlacedHeader,
  mark: DurableMark | undefined,
  state: LogState,
): Promise<void> {
  const path = segments.path(header.sequence);
  const size = await segments.size(header.sequence);
  state.begin(header);
  const { lastPosition, damage } = await readAll(segments, state, size);
  if (mark !== undefined && belongsTo(mark, state.id) && mark.frame > state.frame)
    throw rotten(
      path,
      damage ?? { position: state.end, what: `frames up to ${mark.frame} were durable and are missing` },
    );
  if (damage !== undefined && !(await isTorn(segments, state, size))) throw rotten(path, damage);
  const file = await files.open(path, 'durable');
  try {
    await rewrite(file, lastPosition, state.end);
    await file.truncate(state.end);
    await file.sync();
  } finally {
    await file.close();
  }
  // A process that was killed while it began the segment may not have come to this.
  await files.syncDirectory(segments.dir);
}

/** Takes over every frame up to the end or the first damage. */
async function readAll(
  segments: SegmentSet,
  state: LogState,
  size: number,
): Promise<{ lastPosition: number; damage: Damage | undefined }> {
  const mark = frameMark(state.secret);
  const tail = frameTail(state.secret);
  let lastPosition = 0;
  while (state.end < size) {
    const frame = await readFrame(segments, mark, state.sequence, state.end, size);
    if (isDamage(frame)) return { lastPosition, damage: frame };
    if (frame.sequence !== state.frame)
      return { lastPosition, damage: { position: frame.position, what: `frame ${state.frame} is missing` } };
    const damage = await checkFrame(segments, state.sequence, frame, tail, size);
    if (damage !== undefined) return { lastPosition, damage };
    lastPosition = frame.position;
    await takeOver(segments, state, frame, size);
  }
  return { lastPosition, damage: undefined };
}

/** Moves `state` past a frame of the newest segment. */
export async function takeOver(segments: SegmentSet, state: LogState, frame: Frame, end: number): Promise<void> {
  if (frame.kind === FRAME_KIND.records) {
    state.advance(frame);
    return;
  }
  const [section] = frame.sections();
  const topics = section && (await readSection(segments, state.sequence, section, end));
  if (topics === undefined)
    throw rotten(segments.path(state.sequence), { position: frame.position, what: 'a list of topics is damaged' });
  state.advanceTopics(frame, JSON.parse(topics.toString()) as TopicSpec[]);
}

/** Writes the same bytes again, so that the disk has them whatever the page cache believes. */
async function rewrite(file: LogFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += PIECE_BYTES) {
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, to - at));
    await file.read(piece, at);
    await file.write(piece, at);
  }
}
