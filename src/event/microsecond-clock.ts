/**
 * The time in UTC with microseconds. The millisecond is that of the wall clock, which has no finer one; the microseconds within it are
 * reckoned by a clock that only goes on, from the last edge of a millisecond that was seen. So it is never off by more than a
 * millisecond, and within microseconds after some calls. It never goes back: while the wall clock is behind what has been told, that is told again.
 */
import type { Timestamp } from './time.ts';

export interface MicrosecondClockOptions {
  /** Unix milliseconds, whole ones. Default Date.now. */
  readonly now?: () => number;
  /** Milliseconds since any moment, as fine as there are. Default performance.now. */
  readonly elapsedMs?: () => number;
}

export function createMicrosecondClock(options: MicrosecondClockOptions = {}): () => Timestamp {
  const { now = Date.now, elapsedMs = () => performance.now() } = options;
  /** What the elapsed time began at, in Unix milliseconds. */
  let beganMs = -Infinity;
  let lastMicros = -Infinity;
  const format = createFormat();
  return () => {
    const wallMs = now();
    const elapsed = elapsedMs();
    let withinMs = beganMs + elapsed - wallMs;
    if (!(withinMs >= 0 && withinMs < 1)) {
      withinMs = withinMs >= 1 ? lastInMs : 0;
      beganMs = wallMs + withinMs - elapsed;
    }
    lastMicros = Math.max(lastMicros, wallMs * 1000 + Math.floor(withinMs * 1000));
    return format(lastMicros);
  };
}

/** The last microsecond of a millisecond, in milliseconds; half of one more, since sums of large numbers are not exact. */
const lastInMs = 0.9995;

/** The second is kept: many times share it, and `Date` takes longer than all the rest. */
function createFormat(): (micros: number) => Timestamp {
  let second = NaN;
  let text = '';
  return (micros) => {
    const current = Math.floor(micros / 1_000_000);
    if (current !== second) {
      text = new Date(current * 1000).toISOString().slice(0, 20);
      second = current;
    }
    return `${text}${String(1_000_000 + micros - current * 1_000_000).slice(1)}Z` as Timestamp;
  };
}
