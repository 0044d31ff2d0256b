/** Waits between tries: doubling from 100 ms to 10 s, each shortened by up to a half at random, so that many who failed together do not return together. */
import { setTimeout as sleep } from 'node:timers/promises';

const firstMs = 100;
const longestMs = 10_000;

/** @param attempt from 0; resolves early, without an error, when the signal aborts */
export async function backoff(attempt: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(longestMs, firstMs * 2 ** attempt) * (0.5 + Math.random() / 2);
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
