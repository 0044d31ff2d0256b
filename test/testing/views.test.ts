import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startPipeline } from 'tributary/testing';
import { bySymbol } from '../../apps/signals/by-symbol.ts';
import { app } from '../../apps/signals/signals.ts';

const schemasDir = join(import.meta.dirname, '../../schemas');

suite('a view of a pipeline in a test', () => {
  for (const how of ['refuse', 'crash before', 'crash after'] as const)
    test(`D3: each event is counted once where a commit of the view goes wrong: ${how}`, async () => {
      await using run = await startPipeline(app.pipeline, { schemasDir, faults: [{ at: 'view', write: 2, how }] });
      const uuid = randomUUID();
      const sendAll = async (): Promise<void> => {
        await run.request('/followup', { uuid }, { idempotencyKey: 'followup' });
        for (const [index, symbol] of ['e', 'e', 'z'].entries())
          await run.request('/initial', { uuid, symbol }, { idempotencyKey: `initial-${index}` });
      };
      await sendAll().catch(() => undefined); // it may have crashed meanwhile
      await run.struck();
      if (how !== 'refuse') await run.restart();
      await sendAll();
      const view = run.read(bySymbol);
      const rows = await view.all();
      assert.deepEqual(
        [...rows].map(([symbol, { count, followups }]) => [symbol, count, followups]),
        [
          ['e', 2, 2],
          ['z', 1, 1],
        ],
      );
      assert.deepEqual(await view.at('q'), { count: 0, earliest: null, latest: null, followups: 0 });
    });

  test('what the kit has no place for is refused', async () => {
    const { views: _, ...without } = app.pipeline;
    const started = startPipeline(
      { ...without, views: [] },
      { schemasDir, faults: [{ at: 'view', write: 1, how: 'refuse' }] },
    );
    await assert.rejects(started, /expected one of log, checkpoint, sink objects, got view/);
  });
});
