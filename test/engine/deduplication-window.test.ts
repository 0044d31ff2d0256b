/** For how long keys are remembered is the operator's to say, and what was remembered before keeps the window that it had. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type AppSettings, loadApps } from '../../src/engine/load-apps.ts';
import { loadConfig } from '../../src/config/config.ts';
import { duplicate, Duplicates } from '../../src/processing/duplicates.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';

const hourMs = 3_600_000;

async function windowOfLake(deduplicationHours: AppSettings['deduplicationHours']): Promise<number | undefined> {
  const { pipelines } = loadConfig({ env: {}, flags: {} });
  const [app] = await loadApps({ pipelines, only: ['lake'], deduplicationHours });
  return app?.pipeline?.process.deduplicate?.windowHours;
}

suite('the window of deduplication', () => {
  test('is what the pipeline says, unless the configuration says otherwise', async () => {
    assert.equal(await windowOfLake(undefined), 7 * 24);
    assert.equal(await windowOfLake({ lake: 48 }), 48);
    for (const name of ['collect', 'lakes', 'constructor'])
      await assert.rejects(windowOfLake({ lake: 48, [name]: 1 }), {
        code: 'CONFIG_INVALID',
        message: `deduplicationHours.${name}: no pipeline of that name deduplicates; those that do: lake`,
      });
  });

  test('D5: is that of the time at which a key was remembered, when it becomes shorter or longer', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'tributary-window-'));
    let nowMs = Date.UTC(2026, 0, 1);
    const now = (): number => nowMs;
    const state = await openLmdbStore({ dir, minFreeBytes: 0, now });
    t.after(async () => {
      await state.close();
      await rm(dir, { recursive: true });
    });
    const of = { logId: 'log', consumer: 'c', at: { topic: 't', partition: 0 } };
    let offset = 0;
    /** Whether an event of that key lands, in a program that has started with that window. */
    const lands = async (key: string, windowHours: number): Promise<boolean> => {
      const duplicates = new Duplicates<string>({ state, of, key: (one) => one, windowMs: windowHours * hourMs, now });
      const record = { offset, timeMs: nowMs, key: null, value: Buffer.alloc(0), headers: [] };
      const [found] = await duplicates.without([record], [key], new Set(), undefined);
      const window = { from: offset, to: ++offset };
      await state.commit({ put: duplicates.puts(window, found === duplicate ? [record.offset] : [], new Set()) });
      return found !== duplicate;
    };
    assert.deepEqual([await lands('a', 48), await lands('b', 1), await lands('c', 1)], [true, true, true]);
    assert.deepEqual([await lands('a', 1), await lands('b', 48)], [false, false], 'known, under another window');

    nowMs += 2 * hourMs;
    assert.equal(await lands('a', 1), false, 'shorter: what was remembered for 48 hours still is');
    assert.equal(await lands('b', 48), true, 'longer: what was remembered for an hour is forgotten');
    nowMs += 40 * hourMs;
    assert.equal(await lands('b', 48), false, 'and from when it lands again it is remembered for 48');
    assert.equal(await lands('c', 48), true);
    nowMs += 7 * hourMs;
    assert.equal(await lands('a', 1), true, 'after 49 hours');
  });
});
