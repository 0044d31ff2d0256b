/** What records come to in the view of idempotency keys (D5). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type KnownKey, ViewKeys } from '../../src/ingest/key-entries.ts';
import type { LogRecord } from '../../src/log/log.ts';

const hourMs = 60 * 60 * 1000;
const keys = new ViewKeys('log');

function record(
  offset: number,
  key: string,
  timeMs: number,
  value = JSON.stringify({ packageId: `p${offset}` }),
): LogRecord {
  return { offset, key, timeMs, value: Buffer.from(value), headers: [] };
}

/** The view after it was told of the records in pieces of that many. */
function viewOf(records: readonly LogRecord[], pieces: readonly number[]): ReadonlyMap<string, string> {
  const view = new Map<string, string>();
  for (let from = 0, turn = 0; from < records.length; turn++) {
    const to = from + (pieces[turn % pieces.length] ?? 1);
    // some of them again: a commit whose answer was lost
    const page = records.slice(Math.max(0, from - (turn % 3)), to);
    const firsts = new Map<string, KnownKey>();
    for (const { key } of page) {
      const stored = view.get(keys.first(String(key)));
      if (stored !== undefined) firsts.set(keys.first(String(key)), JSON.parse(stored) as KnownKey);
    }
    for (const { key, value } of keys.apply(page, firsts, 0)) view.set(key, String(value));
    from = to;
  }
  return view;
}

suite('entries of idempotency keys', () => {
  test('D5: the first of a key within a day counts, the others are void; then it begins anew', () => {
    const hours = [0, 1, 24, 25, 26, 50];
    const view = viewOf(
      hours.map((hour, offset) => record(offset, 'k', hour * hourMs)),
      [10],
    );
    const voids = hours.flatMap((_, offset) => (view.has(keys.void(`p${offset}`)) ? [offset] : []));
    assert.deepEqual(voids, [1, 2, 4]);
    assert.equal((JSON.parse(view.get(keys.first('k'))!) as KnownKey).offset, 5);
  });

  test('what others wrote into the topic is passed over', () => {
    const view = viewOf([record(0, 'k', 0, 'no JSON'), record(1, 'k', 0, 'null'), record(2, 'k', 0)], [1]);
    assert.deepEqual([...view.keys()], [keys.first('k')]);
  });

  test('D5, D9: the view follows from the records alone, in whatever pages, and again', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), hours: fc.integer({ min: 0, max: 20 }) });
    const pieces = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), pieces, (steps, sizes) => {
        let timeMs = 0;
        const records = steps.map(({ key, hours }, offset) => record(offset, key, (timeMs += hours * hourMs)));
        assert.deepEqual(viewOf(records, sizes), viewOf(records, [100]));
      }),
    );
  });
});
