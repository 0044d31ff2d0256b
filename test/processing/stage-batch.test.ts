import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageBatch, type FilledBatch } from '../../src/processing/stage-batch.ts';
import { nothingStaged, type Staged } from '../../src/sinks/sink.ts';

const range = { from: 0, to: 1 };

function filled(name: string, stage: () => Promise<Staged>): FilledBatch<object> {
  return { name, batch: { add: () => undefined, removeLast: () => undefined, clear: () => undefined, stage } };
}

test('D3: where a sink fails to stage, all others are aborted, also behind one that fails to', async () => {
  let aborted = 0;
  const stubborn = { ...nothingStaged, abort: () => Promise.reject(new Error('cannot abort')) };
  const counted = { ...nothingStaged, abort: async () => void (aborted += 1) };
  const sinks = [
    filled('stubborn', async () => stubborn),
    filled('full', () => Promise.reject(new Error('no space'))),
    filled('table', async () => counted),
  ];
  await assert.rejects(stageBatch(sinks, range, {}), /cannot abort|no space/);
  assert.equal(aborted, 1, 'a transaction is still open');
});

test('D3: where a sink fails to commit, the failure is told when all others have ended', async () => {
  const events: string[] = [];
  const slow = Promise.withResolvers<void>();
  const sinks = [
    filled('failing', async () => ({ ...nothingStaged, commit: () => Promise.reject(new Error('lost')) })),
    filled('slow', async () => ({ ...nothingStaged, commit: () => slow.promise.then(() => void events.push('slow')) })),
  ];
  const staged = await stageBatch(sinks, range, {});
  const committing = staged.commit().catch((error: Error) => events.push(error.message));
  slow.resolve();
  await committing;
  assert.deepEqual(events, ['slow', 'lost']);
});
