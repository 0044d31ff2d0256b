/**
 * Thousands of lives of a log on a disk that tears, loses, fails, fills and rots.
 * TRIBUTARY_SIM_SEEDS: how many lives (default 20000), or `seed:<number>` for one of them.
 */
import { test } from 'node:test';
import { simulateLog } from '../support/log-simulation.ts';

const setting = process.env['TRIBUTARY_SIM_SEEDS'] ?? '20000';
const [first, count] = setting.startsWith('seed:') ? [Number(setting.slice(5)), 1] : [1, Number(setting)];

test(`D1, D2, D4: what was acknowledged survives ${count} lives of crashes, whole, in order, once; damage is told`, async () => {
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      await simulateLog(seed);
    } catch (error) {
      throw new Error(`Life ${seed} broke a promise; alone: TRIBUTARY_SIM_SEEDS=seed:${seed}`, { cause: error });
    }
  }
});
