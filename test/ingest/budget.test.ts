import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { Budget } from '../../src/ingest/budget.ts';

const kib = 1024;
const noPatience = (): AbortSignal => AbortSignal.abort();
const patience = (): AbortSignal => AbortSignal.timeout(5_000);
const isBusy = (error: unknown): boolean => isFault(error, 'BUSY');

test('large packages leave the last eighth to small ones (D6)', async () => {
  const budget = new Budget(1024 * kib);
  const [oldest, large, small] = [budget.share(), budget.share(), budget.share()];
  await oldest.resize(800 * kib, noPatience);
  await large.resize(96 * kib, noPatience);
  await assert.rejects(large.resize(97 * kib, noPatience), isBusy);
  await small.resize(64 * kib, noPatience);
  await assert.rejects(small.resize(65 * kib, noPatience), isBusy);
  await oldest.resize(900 * kib, noPatience);
  await assert.rejects(small.resize(65 * kib, noPatience), isBusy);
  oldest.release();
  assert.equal(budget.heldBytes, 160 * kib);
  await small.resize(65 * kib, noPatience);
});

test('who makes hardly any progress for a second loses its place when others wait, and not before (D6)', async () => {
  let nowMs = 0;
  const budget = new Budget(1024 * kib, () => nowMs);
  const [oldest, trickling, busy, waiting] = [budget.share(), budget.share(), budget.share(), budget.share()];
  await oldest.resize(400 * kib, noPatience);
  await trickling.resize(250 * kib, noPatience);
  await busy.resize(180 * kib, noPatience);
  for (; nowMs < 3_000; nowMs += 500) {
    await oldest.resize(400 * kib + nowMs * 10, noPatience);
    await trickling.resize(250 * kib + nowMs / 500, noPatience);
    await busy.resize(180 * kib + nowMs * 10, noPatience);
  }
  assert.ok(!trickling.evicted.aborted);
  const room = waiting.resize(200 * kib, patience);
  trickling.evicted.addEventListener('abort', () => trickling.release(), { once: true });
  await room;
  assert.ok(isFault(trickling.evicted.reason, 'BODY_TIMEOUT'));
  assert.deepEqual([oldest.evicted.aborted, busy.evicted.aborted], [false, false]);
});
