/** What a normaliser is told of where its event came from: known from what is kept of the event, so that a replay tells it the same. */
import { correlationIdParts } from '../event/correlation-id.ts';
import type { Timestamp } from '../event/time.ts';
import type { Received } from '../pipeline/pipeline.ts';

/** Header of events and dead letters: the file that they came in. */
export const fileHeader = 'file';

const last: { timeMs: number; time: Timestamp } = { timeMs: Number.NaN, time: '' as Timestamp };

/** @param file undefined where it came in no file */
export function receivedAs(correlationId: string, file: string | undefined): Received {
  const { timeMs } = correlationIdParts(correlationId);
  // Events of a package share their time, and `Date` takes longer than all the rest.
  if (timeMs !== last.timeMs) {
    last.time = `${new Date(timeMs).toISOString().slice(0, -1)}000Z` as Timestamp;
    last.timeMs = timeMs;
  }
  return file === undefined ? { time: last.time } : { time: last.time, file };
}
