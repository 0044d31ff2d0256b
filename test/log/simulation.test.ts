/**
 * Thousands of lives of a log on a disk that tears, loses, fails, fills and rots.
 * TRIBUTARY_SIM_SEEDS: how many lives (default 20000), or `seed:<number>` for one of them.
 */
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const setting = process.env['TRIBUTARY_SIM_SEEDS'] ?? '20000';
const [first, count] = setting.startsWith('seed:') ? [Number(setting.slice(5)), 1] : [1, Number(setting)];

/** Outside the test runner's thread, where following every promise makes a life three times as long. */
const THREADS = 2;

async function live(thread: number): Promise<void> {
  const url = new URL('../support/log-lives.ts', import.meta.url);
  const worker = new Worker(url, { workerData: { first: first + thread, count: count - thread, step: THREADS } });
  let broken: { seed: number; error: unknown } | undefined;
  worker.on('message', (message: typeof broken) => (broken = message));
  const [code] = (await once(worker, 'exit')) as [number];
  if (broken !== undefined)
    throw new Error(`Life ${broken.seed} broke a promise; alone: TRIBUTARY_SIM_SEEDS=seed:${broken.seed}`, {
      cause: broken.error,
    });
  if (code !== 0) throw new Error(`A thread of lives ended with code ${code}.`);
}

test(`D1, D2, D4: what was acknowledged survives ${count} lives of crashes, whole, in order, once; damage is told`, async () => {
  await Promise.all(Array.from({ length: THREADS }, (_, thread) => live(thread)));
});
