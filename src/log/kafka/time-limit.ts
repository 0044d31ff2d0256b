/** A limit for what may never end, as a request to a broker that was stopped. Times are of `performance.now()`. */
import { setTimeout as sleep } from 'node:timers/promises';

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

export const leftMs = (deadlineMs: number): number => Math.max(0, deadlineMs - performance.now());

/** @throws TimedOut at the deadline; what becomes of the work then is not looked at */
export async function until<T>(deadlineMs: number, what: string, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimedOut(`${what}: no answer in time`)), leftMs(deadlineMs));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** How long to wait before the attempt after so many; less than a broker needs for the next step at first, then ever longer. */
export function pauseMs(attempt: number): number {
  return Math.min(200, 1.5 ** attempt);
}

/** False where the deadline leaves no time for another attempt. */
export async function pause(attempt: number, deadlineMs: number): Promise<boolean> {
  const ms = pauseMs(attempt);
  if (ms >= leftMs(deadlineMs)) return false;
  await sleep(ms);
  return true;
}
