/**
 * Tries again what may pass: exponential back-off with full jitter, so that many who failed together do not return together; never
 * sooner than `Retry-After` says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../errors.ts';

/** It failed, and may work later. */
export class Passing extends Error {
  override readonly name = 'Passing';
  /** Not sooner than after so long. */
  readonly afterMs: number;

  constructor(message: string, afterMs = 0) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface RetryOptions {
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** Told before each pause. Must not throw. */
  readonly onRetry: (reason: string, pauseMs: number) => void;
  /** Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

const firstPauseMs = 250;
const longestPauseMs = 15_000;
/** Who wants to be left alone for longer is left alone: the run goes on with the next pull. */
export const longestRetryAfterMs = 5 * 60_000;

/** @throws Fault PULL_UNAVAILABLE after the last attempt; the signal's reason */
export async function withRetries<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, signal, onRetry, random = Math.random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      if (error.afterMs > longestRetryAfterMs)
        throw new Fault(
          'PULL_UNAVAILABLE',
          `${error.message}, and asks to be left alone for ${seconds(error.afterMs)}`,
        );
      if (attempt >= attempts)
        throw new Fault('PULL_UNAVAILABLE', `${error.message}, at the last of ${attempts} attempts`, { cause: error });
      const pauseMs = Math.max(error.afterMs, random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)));
      onRetry(error.message, pauseMs);
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1_000)} s`;
}

/** A number of seconds or an HTTP date (RFC 9110 section 10.2.3) -> milliseconds from now on; 0 where it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}
