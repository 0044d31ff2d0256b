import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createMicrosecondClock } from '../../src/event/microsecond-clock.ts';
import { parseTime } from '../../src/event/time.ts';

const startMs = Date.UTC(2026, 10, 21, 9, 30, 59, 998);

/** What the clock tells at each of these moments: Unix milliseconds of the wall clock, and milliseconds since anything. */
function told(moments: readonly (readonly [wallMs: number, elapsedMs: number])[]): readonly string[] {
  let at = -1;
  const clock = createMicrosecondClock({ now: () => moments[at]![0], elapsedMs: () => moments[at]![1] });
  return moments.map(() => {
    at += 1;
    return clock();
  });
}

test('microseconds go on within a millisecond, and start again with the next', () => {
  const times = told([
    [startMs, 100],
    [startMs, 100.25],
    [startMs, 100.875],
    [startMs + 1, 101.125],
    [startMs + 2, 102.125],
  ]);
  assert.deepEqual(times, [
    '2026-11-21T09:30:59.998000Z',
    '2026-11-21T09:30:59.998250Z',
    '2026-11-21T09:30:59.998875Z',
    '2026-11-21T09:30:59.999125Z',
    '2026-11-21T09:31:00.000125Z',
  ]);
});

test('where the clocks differ, the millisecond is that of the wall clock', () => {
  const times = told([
    [startMs, 100],
    [startMs, 105],
    [startMs + 60_000, 106],
  ]);
  assert.deepEqual(
    times.map((time) => time.slice(11)),
    ['09:30:59.998000Z', '09:30:59.998999Z', '09:31:59.998000Z'],
  );
});

test('it never goes back, and is in the millisecond of the wall clock unless that has gone back', () => {
  const step = fc.record({
    wallMs: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.integer({ min: -5_000, max: 5_000 })),
    elapsedMs: fc.double({ min: 0, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      let [wallMs, elapsedMs] = [startMs, 0];
      const moments = steps.map((by) => [(wallMs += by.wallMs), (elapsedMs += by.elapsedMs)] as const);
      let highestMs = -Infinity;
      let before = '';
      for (const [index, time] of told(moments).entries()) {
        highestMs = Math.max(highestMs, moments[index]![0]);
        assert.ok(time >= before, `${time} after ${before}`);
        assert.equal(parseTime(time)?.timestamp, time);
        assert.equal(parseTime(time)?.epochMs, highestMs);
        before = time;
      }
    }),
  );
});

test('by the clocks of the machine it is where Date is', () => {
  const clock = createMicrosecondClock();
  const fractions = new Set<string>();
  for (let i = 0; i < 1_000; i += 1) {
    const before = Date.now();
    const time = clock();
    const after = Date.now();
    const { epochMs } = parseTime(time)!;
    assert.ok(epochMs >= before && epochMs <= after, time);
    fractions.add(time.slice(23, 26));
  }
  assert.ok(fractions.size > 10, 'there are microseconds');
});
