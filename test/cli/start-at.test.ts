import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { startAt } from '../../src/cli/tail/start-at.ts';

suite('where tail begins', () => {
  test('start, end, any offset, any time with a zone', () => {
    assert.deepEqual(['start', 'end'].map(startAt), ['start', 'end']);
    fc.assert(fc.property(fc.nat(), (offset) => assert.deepEqual(startAt(String(offset)), { offset })));
    const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
    fc.assert(fc.property(times, (time) => assert.deepEqual(startAt(time.toISOString()), { timeMs: time.getTime() })));
  });

  test('nothing else', () => {
    for (const text of ['', 'yesterday', '-1', '1.5', '1e3', '9'.repeat(16), '2026-11-20', '2026-11-20T12:00:00', ' 1'])
      assert.throws(() => startAt(text), /Expected start, end, an offset, or a time/, text);
  });
});
