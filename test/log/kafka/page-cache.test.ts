/** Pages in parts: every record comes once, whatever is asked for at a time, and memory has a limit. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { PageCache, partOf } from '../../../src/log/kafka/page-cache.ts';
import type { LogRecord } from '../../../src/log/log.ts';

const recordAt = (offset: number, bytes: number): LogRecord => ({
  offset,
  timeMs: 0,
  key: null,
  value: Buffer.alloc(bytes),
  headers: [],
});

const page = (from: number) => ({ from, next: from + 10, records: [], bytes: 100 << 10 });

suite('pages of Kafka', () => {
  test('parts of a page, one after the other, are the page', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(50)), { maxLength: 30 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 120 }), fc.nat(3), (shape, maxBytes, tail) => {
        let last = -1;
        const records = shape.map(([gap, bytes]) => recordAt((last += gap), bytes));
        const whole = { records, next: last + 1 + tail };
        const found: LogRecord[] = [];
        for (let from = 0; from < whole.next;) {
          const part = partOf(whole, from, maxBytes);
          assert.ok(part.next > from);
          const bytes = part.records.reduce((sum, { value }) => sum + value.length, 0);
          assert.ok(part.records.length <= 1 || bytes <= maxBytes);
          found.push(...part.records);
          from = part.next;
        }
        assert.deepEqual(found, records);
      }),
    );
  });

  test('D6: who was read longest ago goes first when the limit is reached', () => {
    const cache = new PageCache(250 << 10);
    cache.add('t/0', page(0));
    cache.add('t/0', page(10));
    assert.equal(cache.find('t/0', 5)?.from, 0);
    cache.add('t/1', page(0));
    assert.equal(cache.find('t/0', 15), undefined);
    assert.equal(cache.find('t/0', 9)?.from, 0);
    assert.equal(cache.find('t/1', 9)?.from, 0);
    assert.equal(cache.find('t/1', 10), undefined);
    cache.add('t/1', { ...page(20), bytes: 300 << 10 });
    assert.equal(cache.find('t/1', 20), undefined);
    for (let i = 0; i < 10; i += 1) cache.add('t/2', { ...page(10 * i), bytes: 1 });
    const kept = Array.from({ length: 10 }, (_, i) => cache.find('t/2', 10 * i)).filter((one) => one !== undefined);
    assert.equal(kept.length, 3, 'small ones count, too');
    cache.add('t/1', page(0));
    cache.forget('t/1', page(0));
    assert.equal(cache.find('t/1', 0), undefined);
  });
});
