/**
 * Removes whole segments, oldest first and one after the other, each removal on disk before the next one: a crash at any
 * point leaves segments without a hole.
 */
import type { PartitionOffset, RetentionLimits } from '../log.ts';
import { isMissing, type LogFiles } from './files.ts';
import { type LogState, nextIn } from './log-state.ts';
import type { PlacedHeader } from './segment-header.ts';
import type { SegmentSet } from './segment-set.ts';

/**
 * Never touches the newest segment, nor what holds anything at or after an offset in `keepFrom`.
 * @param tellReaders awaited before each removal: those in other processes look where the log begins when a segment is missing
 */
export async function removeOldSegments(
  files: LogFiles,
  segments: SegmentSet,
  state: LogState,
  limits: RetentionLimits,
  keepFrom: readonly PartitionOffset[],
  nowMs: number,
  tellReaders: () => Promise<void>,
): Promise<void> {
  const keep = keepFrom.map((one) => ({ place: state.place(one), offset: one.offset }));
  const isUnneeded = (after: PlacedHeader): boolean =>
    keep.every(({ place, offset }) => nextIn(after, place) <= offset);
  let bytes = limits.maxBytes === undefined ? 0 : await totalBytes(segments, state);
  while (segments.first < state.sequence) {
    const sequence = segments.first;
    const after = await segments.header(sequence + 1);
    const isOld = limits.olderThanMs !== undefined && after.lastTimeMs < nowMs - limits.olderThanMs;
    const isTooMuch = limits.maxBytes !== undefined && bytes > limits.maxBytes;
    if (!(isOld || isTooMuch) || !isUnneeded(after)) return;
    bytes -= after.previousBytes;
    await segments.forgetBefore(sequence + 1);
    await tellReaders();
    try {
      await files.remove(segments.path(sequence));
    } catch (error) {
      if (!isMissing(error)) {
        segments.first = sequence; // the next one to be removed, too: behind it there would be a hole
        throw error;
      }
    }
    await files.syncDirectory(segments.dir);
  }
}

async function totalBytes(segments: SegmentSet, state: LogState): Promise<number> {
  let bytes = state.end;
  for (let sequence = segments.first; sequence < state.sequence; sequence += 1)
    bytes += (await segments.header(sequence + 1)).previousBytes;
  return bytes;
}
