import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Minute } from 'tributary';
import { parseMinute, placesOf, spansBetween } from '../../src/views/buckets.ts';

const minuteMs = 60_000;
const minuteAt = (epochMinutes: number): Minute =>
  new Date(epochMinutes * minuteMs).toISOString().slice(0, 16) as Minute;
/** From the year 0001 to 9999. */
const first = Date.parse('0001-01-01T00:00Z') / minuteMs;
const last = Date.parse('9999-12-31T23:59Z') / minuteMs;

/** The minutes of a bucket by the beginning of its name. */
function minutesOf(bucket: string): readonly [from: number, to: number] {
  const from = new Date(`${bucket}${'0000-01-01T00:00'.slice(bucket.length)}Z`);
  const to = new Date(from);
  if (bucket.length === 4) to.setUTCFullYear(to.getUTCFullYear() + 1);
  else if (bucket.length === 7) to.setUTCMonth(to.getUTCMonth() + 1);
  else to.setTime(to.getTime() + minuteMs * (bucket.length === 10 ? 1440 : bucket.length === 13 ? 60 : 1));
  return [from.getTime() / minuteMs, to.getTime() / minuteMs];
}

const separators: Readonly<Record<number, string>> = { 0: '', 4: '-', 7: '-', 10: 'T', 13: ':' };

suite('time buckets', () => {
  test('the parts of rows that a span is read in are the span, one behind the other, in nine rows at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: first, max: last }),
        fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 9_999 * 366 * 1440 })),
        (from, minutes) => {
          const to = Math.min(last, from + minutes);
          let at = from;
          const spans = spansBetween(minuteAt(from), minuteAt(to));
          for (const { row, from: begin, to: end } of spans) {
            const name = (part: string): string => row + separators[row.length] + part;
            assert.equal(minutesOf(name(begin))[0], at, row);
            assert.ok(begin <= end && begin.length === end.length);
            at = minutesOf(name(end))[1];
          }
          assert.equal(at, to);
          assert.ok(spans.length <= 9, String(spans.length));
          assert.equal(new Set(spans.map(({ row }) => row)).size, spans.length);
        },
      ),
    );
  });

  test('ten years from day to day are five rows of a key', () => {
    assert.deepEqual(spansBetween('2016-11-21T00:00' as Minute, '2026-11-21T00:00' as Minute), [
      { row: '2016-11', from: '21', to: '30' },
      { row: '2016', from: '12', to: '12' },
      { row: '', from: '2017', to: '2025' },
      { row: '2026', from: '01', to: '10' },
      { row: '2026-11', from: '01', to: '20' },
    ]);
  });

  test('a span that is empty, or ends before it begins, has none', () => {
    assert.deepEqual(spansBetween('2026-01-01T00:00' as Minute, '2026-01-01T00:00' as Minute), []);
    assert.deepEqual(spansBetween('2026-01-02T00:00' as Minute, '2026-01-01T00:00' as Minute), []);
  });

  test('a minute counts in five rows', () => {
    assert.deepEqual(placesOf('2017-06-28T19:34'), [
      { row: '2017-06-28T19', part: '34' },
      { row: '2017-06-28', part: '19' },
      { row: '2017-06', part: '28' },
      { row: '2017', part: '06' },
      { row: '', part: '2017' },
    ]);
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
