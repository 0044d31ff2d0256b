/** At most so many a second: each waits until its turn. */
import { setTimeout as sleep } from 'node:timers/promises';

/** @param perSecond default: no limit */
export function paceOf(perSecond = Infinity): (signal: AbortSignal) => Promise<void> {
  const stepMs = 1_000 / perSecond;
  let nextMs = 0;
  return async (signal) => {
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, nextMs);
    nextMs = turnMs + stepMs;
    if (turnMs > nowMs) await sleep(turnMs - nowMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  };
}
