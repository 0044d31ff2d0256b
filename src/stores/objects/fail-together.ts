/**
 * A gate for a server that may be away: at most `limit` tasks at a time, in order of arrival. Where one of them finds the
 * server away, those that wait behind it fail with it: an outage costs one time limit, however much waits.
 */
import type { Gate } from './at-most.ts';

interface Waiting {
  readonly start: () => void;
  readonly fail: (error: unknown) => void;
}

export function failTogether(limit: number, isOutage: (error: unknown) => boolean): Gate {
  let running = 0;
  const waiting: Waiting[] = [];
  return async (task) => {
    if (running >= limit) await new Promise<void>((start, fail) => waiting.push({ start, fail }));
    else running += 1;
    try {
      return await task();
    } catch (error) {
      if (isOutage(error)) for (const one of waiting.splice(0)) one.fail(error);
      throw error;
    } finally {
      const next = waiting.shift();
      if (next) next.start();
      else running -= 1;
    }
  };
}
