/** What packages under way may hold together (D6). */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mock, suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import { Budget } from '../../src/ingest/budget.ts';

const kib = 1024;
const max = 1024 * kib;
/** The last eighth of the budget is kept for small packages. */
const largest = (max * 7) / 8;

const patient = (): AbortSignal => new AbortController().signal;
const isBusy = (error: unknown): boolean => isFault(error, 'BUSY');

/** Whether it has come to an end by now, however. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let turns = 0; turns < 5; turns++) await setImmediate();
  return settled;
}

suite('budget', () => {
  test('D6: who would exceed it waits for a release', async () => {
    const budget = new Budget(max);
    const [first, second] = [budget.share(), budget.share()];
    await first.resize(largest, patient);
    const growing = second.resize(200 * kib, patient);
    assert.equal(await isSettled(growing), false);
    assert.equal(budget.heldBytes, largest);
    first.release();
    await growing;
    assert.equal(budget.heldBytes, 200 * kib);
    second.release();
    second.release();
    assert.equal(budget.heldBytes, 0);
  });

  test('D6: shrinking makes room too', async () => {
    const budget = new Budget(max);
    const [first, second] = [budget.share(), budget.share()];
    await first.resize(largest, patient);
    const growing = second.resize(200 * kib, patient);
    await first.resize(300 * kib, patient);
    await growing;
    assert.equal(budget.heldBytes, 500 * kib);
  });

  test('D6: the oldest may always grow, and the next oldest once it is gone', async () => {
    const budget = new Budget(max);
    const shares = [budget.share(), budget.share(), budget.share()];
    for (const share of shares) await share.resize(250 * kib, patient);
    const grown = shares.map((share) => share.resize(2 * max, patient));
    assert.deepEqual(await Promise.all(grown.map(isSettled)), [true, false, false]);
    shares[0]!.release();
    assert.deepEqual(await Promise.all(grown.map(isSettled)), [true, true, false]);
    shares[1]!.release();
    await grown[2];
  });

  test('D6: a package of which nothing has come yet is not the oldest', async () => {
    const budget = new Budget(max);
    const silent = budget.share();
    const [first, second] = [budget.share(), budget.share()];
    await first.resize(largest / 2, patient);
    await second.resize(largest / 2, patient);
    const growing = [first.resize(max, patient), second.resize(max, patient)];
    assert.deepEqual(await Promise.all(growing.map(isSettled)), [true, false]);
    first.release();
    await growing[1];
    silent.release();
    second.release();
    assert.equal(budget.heldBytes, 0);
  });

  test('D6: who waits longer than its patience gets BUSY, and nothing stays behind', async () => {
    const budget = new Budget(max);
    const [first, second] = [budget.share(), budget.share()];
    await first.resize(largest, patient);
    const impatient = new AbortController();
    const growing = second.resize(200 * kib, () => impatient.signal);
    assert.equal(await isSettled(growing), false);
    impatient.abort();
    await assert.rejects(growing, isBusy);
    await assert.rejects(
      second.resize(200 * kib, () => impatient.signal),
      isBusy,
    );
    assert.equal(getEventListeners(impatient.signal, 'abort').length, 0);
    second.release();
    assert.equal(budget.heldBytes, largest);
  });

  test('D6: a thousand waits leave no listener on a patience that they share, and no timer', async () => {
    const shared = new AbortController();
    const budget = new Budget(max);
    const before = process.getActiveResourcesInfo().length;
    for (let round = 0; round < 1_000; round++) {
      const [first, second] = [budget.share(), budget.share()];
      await first.resize(largest, patient);
      const growing = second.resize(200 * kib, () => shared.signal);
      await setImmediate();
      first.release();
      await growing;
      second.release();
    }
    assert.equal(getEventListeners(shared.signal, 'abort').length, 0);
    assert.equal(process.getActiveResourcesInfo().length, before);
  });

  test('D6: a package that makes no progress for a second loses its place to those who wait', (t) => evict(t));

  test('D6: those who go on waiting after another was let in still get the place of who is idle', (t) =>
    evict(t, { letOneIn: true }));
});

async function evict(
  t: { after(fn: () => void): void },
  { letOneIn = false }: { letOneIn?: boolean } = {},
): Promise<void> {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  let nowMs = 0;
  const budget = new Budget(max, () => nowMs);
  const [oldest, other, idle, waiting, waitingToo] = Array.from({ length: 5 }, () => budget.share());
  await oldest!.resize(280 * kib, patient);
  await other!.resize(200 * kib, patient);
  await idle!.resize(380 * kib, patient);
  idle!.evicted.addEventListener('abort', () => idle!.release());
  const growing = waiting!.resize(150 * kib, patient);
  const growingToo = waitingToo!.resize(350 * kib, patient);
  if (letOneIn) {
    other!.release();
    await growing;
  }
  nowMs = 999;
  await oldest!.resize(290 * kib, patient); // it goes on
  if (!letOneIn) await other!.resize(210 * kib, patient);
  mock.timers.tick(250);
  assert.equal(idle!.evicted.aborted, false);
  nowMs = 1_250;
  mock.timers.tick(250);
  assert.ok(isFault(idle!.evicted.reason, 'BODY_TIMEOUT'));
  assert.deepEqual([oldest!.evicted.aborted, other!.evicted.aborted], [false, false]);
  await (letOneIn ? growingToo : growing);
}
