import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { TokenBucket } from '../../src/access/token-bucket.ts';

suite('a token bucket', () => {
  test("gives one second's worth at once, then one as each is due", () => {
    const bucket = new TokenBucket(10, 0);
    for (let i = 0; i < 10; i++) assert.equal(bucket.take(0), 0);
    assert.equal(bucket.take(0), 100);
    assert.equal(bucket.take(60), 40);
    assert.equal(bucket.take(100), 0);
    assert.equal(bucket.take(100), 100);
  });

  test('below one a second, still gives the first', () => {
    const bucket = new TokenBucket(0.5, 0);
    assert.equal(bucket.take(0), 0);
    assert.equal(bucket.take(0), 2000);
    assert.equal(bucket.take(2000), 0);
  });

  test("in any window gives no more than the rate and one second's worth, and whoever waits as told is served", () => {
    const rates = fc.double({ min: 0.01, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { maxLength: 200 }),
        (rate, pauses) => {
          const bucket = new TokenBucket(rate, 0);
          const times: number[] = [];
          let nowMs = 0;
          for (const pause of pauses) {
            nowMs += pause;
            const waitMs = bucket.take(nowMs);
            if (waitMs === 0) times.push(nowMs);
            else if (times.length % 2 === 0) {
              nowMs += waitMs + 0.001;
              assert.equal(bucket.take(nowMs), 0, 'served after the wait');
              times.push(nowMs);
            }
          }
          for (const [first, from] of times.entries())
            for (const [beyond, to] of times.slice(first).entries())
              assert.ok(beyond + 1 <= Math.max(1, rate) + ((to - from) * rate) / 1000 + 1e-6);
        },
      ),
    );
  });

  test('a clock that goes back gives nothing', () => {
    const bucket = new TokenBucket(1, 1000);
    assert.equal(bucket.take(1000), 0);
    assert.equal(bucket.take(0), 1000);
    assert.equal(bucket.take(1500), 500);
  });
});
