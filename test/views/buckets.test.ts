import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Minute } from 'tributary';
import { bucketsBetween, bucketsOf, keptIn, minuteInHour, parseMinute } from '../../src/views/buckets.ts';

const minuteMs = 60_000;
const minuteAt = (epochMinutes: number): Minute =>
  new Date(epochMinutes * minuteMs).toISOString().slice(0, 16) as Minute;
/** From the year 0001 to 9999. */
const first = Date.parse('0001-01-01T00:00Z') / minuteMs;
const last = Date.parse('9999-12-31T23:59Z') / minuteMs;

/** The minutes of a bucket, as a span. */
function spanOf(bucket: string): readonly [from: number, to: number] {
  const from = new Date(`${bucket}${'0000-01-01T00:00'.slice(bucket.length)}Z`);
  const to = new Date(from);
  if (bucket.length === 4) to.setUTCFullYear(to.getUTCFullYear() + 1);
  else if (bucket.length === 7) to.setUTCMonth(to.getUTCMonth() + 1);
  else to.setTime(to.getTime() + minuteMs * (bucket.length === 10 ? 1440 : bucket.length === 13 ? 60 : 1));
  return [from.getTime() / minuteMs, to.getTime() / minuteMs];
}

suite('time buckets', () => {
  test('of a span are the span, one behind the other, and few', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: first, max: last }),
        fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 12 * 366 * 1440 })),
        (from, minutes) => {
          const to = Math.min(last, from + minutes);
          let at = from;
          const buckets = bucketsBetween(minuteAt(from), minuteAt(to));
          for (const bucket of buckets) {
            const [begin, end] = spanOf(bucket);
            assert.equal(begin, at, bucket);
            at = end;
          }
          assert.equal(at, to);
          assert.ok(buckets.length <= 2 * (59 + 23 + 30 + 11) + 12, String(buckets.length));
        },
      ),
    );
  });

  test('ten years from day to day are some dozens', () => {
    const buckets = bucketsBetween('2016-11-21T00:00' as Minute, '2026-11-21T00:00' as Minute);
    assert.equal(buckets.length, 10 + 1 + 9 + 10 + 20);
  });

  test('a span that is empty, or ends before it begins, has none', () => {
    assert.deepEqual(bucketsBetween('2026-01-01T00:00' as Minute, '2026-01-01T00:00' as Minute), []);
    assert.deepEqual(bucketsBetween('2026-01-02T00:00' as Minute, '2026-01-01T00:00' as Minute), []);
  });

  test('a minute is kept in its hour, and counts in five', () => {
    assert.deepEqual(bucketsOf('2017-06-28T19:34'), ['2017-06-28T19', '2017-06-28', '2017-06', '2017', '']);
    assert.deepEqual(['2017-06-28T19:34', '2017-06-28T19', ''].map(keptIn), ['2017-06-28T19', '2017-06-28T19', '']);
    assert.deepEqual(['2017-06-28T19:34', '2017-06-28T19', ''].map(minuteInHour), ['34', undefined, undefined]);
  });

  for (const [text, minute] of [
    ['2017-06-28', '2017-06-28T00:00'],
    ['2017-06-28T19:34', '2017-06-28T19:34'],
    ['2016-02-29', '2016-02-29T00:00'],
    ['2017-02-29', undefined],
    ['2017-13-01', undefined],
    ['2017-06-28T24:00', undefined],
    ['2017-06-28t19:34', undefined],
    ['2017-06-28T19:34:00', undefined],
    ['2017-06-28T19', undefined],
    ['2017-6-28', undefined],
    ['+017-06-28', undefined],
    ['0000-01-01', undefined],
    ['9999-12-31T23:59', '9999-12-31T23:59'],
    ['', undefined],
  ] as const)
    test(`${JSON.stringify(text)} is ${minute === undefined ? 'no minute' : minute}`, () => {
      assert.equal(parseMinute(text), minute);
    });
});
