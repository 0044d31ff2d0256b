/** Waiting for transactions of others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { decidedEnd } from '../../src/log/decided-end.ts';

const at = { topic: 't', partition: 0 };

test('a transaction that nobody ends is told as a log that is out of reach', async () => {
  const log = {
    range: async () => ({ start: 0, end: 3 }),
    writtenEnd: async () => 5,
    waitPast: (_at: unknown, _offset: number, signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  };
  const lives = setInterval(() => undefined, 1_000); // the signal's timer alone keeps no process alive
  await assert.rejects(decidedEnd(log, at, 20), (error) => isFault(error, 'LOG_UNAVAILABLE'));
  clearInterval(lives);
});
