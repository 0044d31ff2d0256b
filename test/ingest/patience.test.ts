import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { mock, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Patience } from '../../src/ingest/patience.ts';

suite('patience', () => {
  test('D6: ends at the limit, or up to 100 ms earlier, for each that starts', (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const patience = new Patience(4_000);
    const first = patience.start();
    mock.timers.tick(99);
    const sameStep = patience.start();
    assert.equal(sameStep, first, 'a timer for each package');
    mock.timers.tick(1);
    const second = patience.start();
    assert.notEqual(second, first);
    mock.timers.tick(3_899);
    assert.deepEqual([first.aborted, second.aborted], [false, false]);
    mock.timers.tick(1);
    assert.deepEqual([first.aborted, second.aborted], [true, false]);
    mock.timers.tick(100);
    assert.equal(second.aborted, true);
    assert.equal(patience.start().aborted, false);
  });

  test('takes any number of listeners without a warning, and holds no process', () => {
    const signal = new Patience(60_000).start();
    const warned = Promise.withResolvers<void>();
    process.once('warning', warned.reject);
    for (let i = 0; i < 2_000; i++) signal.addEventListener('abort', () => assert.fail('it is not over'));
    assert.equal(getEventListeners(signal, 'abort').length, 2_000);
    assert.ok(!process.getActiveResourcesInfo().includes('Timeout'), 'a timer that holds the process');
    process.off('warning', warned.reject);
  });

  test('D6: the waits of one package have the limit together', async () => {
    const waits = new Patience(400).waits();
    const startedMs = performance.now();
    await waits.during(() => setTimeout(300));
    await waits.during((signal) => once(signal, 'abort'));
    await waits.during((signal) => once(signal, 'abort'));
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 395 && tookMs < 1_000, `waits of ${tookMs} ms in all`);
  });
});
