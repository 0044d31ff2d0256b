/** Pairs against their definition: two measures of them in one view, by different values, and events that are both first and second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pairs, type Timestamp, view } from 'tributary';
import { allTime } from '../../src/views/buckets.ts';
import { openViewState } from '../../src/views/view-state.ts';
import { MapState } from '../support/map-state.ts';

interface Event {
  readonly key: string;
  readonly isCounted: boolean;
  readonly isSecond: boolean;
  readonly isOther: boolean;
  readonly by: string;
  readonly otherBy: string;
  readonly time: Timestamp;
}

const twoPairs = view({
  name: 'two-pairs',
  counts: ({ isCounted, key, time }: Event) => (isCounted ? { key, time } : undefined),
  measures: {
    seconds: pairs({ by: ({ by }: Event) => by, with: ({ isSecond }: Event) => isSecond, keptForDays: 1 }),
    others: pairs({ by: ({ otherBy }: Event) => otherBy, with: ({ isOther }: Event) => isOther, keptForDays: 1 }),
  },
});

const odd = [
  'a',
  '',
  '__proto__',
  'constructor',
  '/',
  '%2F',
  '..',
  'ö\0\u{1f600}',
  'x'.repeat(3_000),
  'x'.repeat(3_001),
];
const event: fc.Arbitrary<Event> = fc.record({
  key: fc.constantFrom(...odd),
  isCounted: fc.boolean(),
  isSecond: fc.boolean(),
  isOther: fc.boolean(),
  by: fc.constantFrom(...odd),
  otherBy: fc.constantFrom('a', 'b'),
  time: fc.constantFrom(
    ...(['0001-01-01T00:00:00.000000Z', '2016-02-29T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'] as Timestamp[]),
  ),
});

/** For each key and year: each event that is counted, with each one that it is paired with. */
function reference(events: readonly Event[], key: string, year: string): readonly number[] | undefined {
  const firsts = events.filter((one) => one.isCounted && one.key === key && one.time.startsWith(year));
  if (firsts.length === 0) return undefined;
  const sum = (isPair: (one: Event, other: Event) => boolean): number =>
    firsts.reduce((all, one) => all + events.filter((other) => isPair(one, other)).length, 0);
  return [
    sum(({ by }, other) => other.isSecond && other.by === by),
    sum(({ otherBy }, other) => other.isOther && other.otherBy === otherBy),
  ];
}

function fails(_offset: number, error: unknown): never {
  assert.fail(String(error));
}

test('two measures of pairs, of events that may be both, by any names, are what their definition says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(event, { maxLength: 12 }), { maxLength: 6 }), async (batches) => {
      const of = { logId: 'l', pipeline: 'p', view: 'two-pairs' };
      const store = new MapState();
      const open = () => openViewState({ store, of, view: twoPairs, partition: 0, onSkipped: fails });
      let state = await open();
      for (const [index, batch] of batches.entries()) {
        const records = batch.map(() => ({ offset: 0, timeMs: 0, key: null, value: Buffer.alloc(0), headers: [] }));
        await state.apply(records, batch, index + 1);
        await state.commit();
        if (index % 2 === 1) state = await open();
      }
      const events = batches.flat();
      const rows = await state.read(odd.map((key) => [allTime, key]));
      for (const [index, key] of odd.entries()) {
        const byYear = new Map(rows[index]?.parts);
        for (const year of ['0001', '2016', '9999']) assert.deepEqual(byYear.get(year), reference(events, key, year));
      }
      const counted = new Set(events.filter(({ isCounted }) => isCounted).map(({ key }) => key));
      assert.deepEqual(new Set((await state.totals()).map(({ key }) => key)), counted);
    }),
    { numRuns: 100 },
  );
});
