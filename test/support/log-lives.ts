/** A thread that lives the given lives of a log; posts the first that breaks a promise. */
import { parentPort, workerData } from 'node:worker_threads';
import { simulateLog } from './log-simulation.ts';

const { first, count, step } = workerData as { first: number; count: number; step: number };

for (let seed = first; seed < first + count; seed += step) {
  try {
    await simulateLog(seed);
  } catch (error) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
    parentPort?.postMessage({ seed, error });
    break;
  }
}
