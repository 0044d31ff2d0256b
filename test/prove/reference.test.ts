/** The contract's SQL, which the dashboards are compared with, beside what it means event by event. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { allTime, type DashboardRow, type Range, symbols } from '../../src/prove/requests/dashboard.ts';
import type { RawEvent } from '../../src/prove/requests/raw-events.ts';
import { Reference } from '../../src/prove/requests/reference.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import { scratch } from '../support/program.ts';

test('the reference gives what each event means, in any range', async (t) => {
  const dir = join(await scratch(t), 'postgres');
  const warehouse = await openEmbeddedWarehouse({ dir, log: () => undefined });
  try {
    const property = fc.asyncProperty(fc.array(event(), { maxLength: 40 }), range(), async (events, within) => {
      const reference = await Reference.over(events, warehouse.pool);
      try {
        assert.deepEqual(await reference.rows(within), expected(events, within));
        assert.deepEqual(await reference.rows(), expected(events, allTime));
      } finally {
        reference.close();
      }
    });
    await fc.assert(property, { numRuns: 25 });
  } finally {
    await warehouse.close();
  }
});

const uuids = ['0b44ae21-5fd4-4b57-9b2e-3c86e2a1d970', 'f3a40000-0000-4000-8000-000000000001'];
const times = [
  '2026-01-01T00:00:00.000000Z',
  '2026-01-01T00:00:59.999999Z',
  '2026-01-01T12:30:00.000001Z',
  '2026-02-28T23:59:59.000000Z',
];

function event(): fc.Arbitrary<RawEvent> {
  const common = { uuid: fc.constantFrom(...uuids), time: fc.constantFrom(...times) };
  return fc.oneof(
    fc.record({
      ...common,
      symbol: fc.constantFrom('a', 'z'),
      is_vowel: fc.boolean(),
      kind: fc.constant('initial' as const),
    }),
    fc.record({
      ...common,
      symbol: fc.constant(null),
      is_vowel: fc.constant(null),
      kind: fc.constant('followup' as const),
    }),
  );
}

function range(): fc.Arbitrary<Range> {
  const bound = fc.constantFrom('2026-01-01', '2026-01-01T00:01', '2026-01-01T12:30', '2026-01-02', '2026-03-01');
  return fc.record({ lower: bound, upper: bound });
}

function expected(events: readonly RawEvent[], { lower, upper }: Range): readonly DashboardRow[] {
  return symbols.map((symbol) => {
    const isIn = (one: RawEvent): boolean => one.time >= lower && one.time < upper && one.symbol === symbol;
    const initials = events.filter(isIn);
    const of = initials.map(({ time }) => `${time.slice(0, 10)} ${time.slice(11, 26)}`).toSorted();
    const pairs = initials.map(
      (one) => events.filter(({ kind, uuid }) => kind === 'followup' && uuid === one.uuid).length,
    );
    return {
      count: initials.length,
      symbol,
      earliest: of[0] ?? null,
      latest: of.at(-1) ?? null,
      followups: pairs.reduce((sum, count) => sum + count, 0),
    };
  });
}
