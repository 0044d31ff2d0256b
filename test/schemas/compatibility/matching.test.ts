import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Effort } from '../../../src/schemas/compatibility/effort.ts';
import { Identities } from '../../../src/schemas/compatibility/json/identities.ts';
import { unmatched } from '../../../src/schemas/compatibility/json/matching.ts';
import { isMultiple } from '../../../src/schemas/compatibility/json/multiples.ts';

describe('pairing of branches', () => {
  it('leaves over as few as any pairing', () => {
    const grids = fc.integer({ min: 1, max: 6 }).chain((columns) =>
      fc.record({
        grid: fc.array(fc.array(fc.boolean(), { minLength: columns, maxLength: columns }), { maxLength: 6 }),
        likely: fc.array(fc.option(fc.nat({ max: 8 }), { nil: undefined }), { minLength: 6, maxLength: 6 }),
      }),
    );
    fc.assert(
      fc.property(grids, ({ grid, likely }) => {
        const goes = (row: number, column: number): boolean => grid[row]?.[column] === true;
        const columns = grid[0]?.length ?? 0;
        const edges = { rows: grid.length, columns, goes, likely: (row: number) => likely[row] };
        assert.equal(unmatched(edges, new Effort()).length, grid.length - mostPairs(grid, 0, new Set()));
      }),
      { numRuns: 1000 },
    );
  });
});

/** By trying all. */
function mostPairs(grid: readonly (readonly boolean[])[], row: number, taken: ReadonlySet<number>): number {
  if (row === grid.length) return 0;
  const without = mostPairs(grid, row + 1, taken);
  const free = (grid[row] ?? []).flatMap((goes, column) => (goes && !taken.has(column) ? [column] : []));
  return Math.max(without, ...free.map((column) => 1 + mostPairs(grid, row + 1, new Set([...taken, column]))));
}

describe('identities', () => {
  it('are equal for values that are, whatever the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const identities = new Identities();
        assert.equal(identities.of(one), identities.of(turned(one)));
        assert.equal(identities.of(one) === identities.of(other), isSame(one, other));
      }),
    );
  });
});

/** With members in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, turned(member)]),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
    return true;
  } catch {
    return false;
  }
}

describe('multiples', () => {
  it('are exact in decimals', () => {
    assert.ok(isMultiple(0.3, 0.1));
    assert.ok(isMultiple(1e300, 1e-300));
    assert.ok(isMultiple(-2.5, 0.5));
    assert.ok(!isMultiple(0.1, 0.3));
    assert.ok(!isMultiple(1, 0));
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 4 }),
        (n, step, places) => {
          const small = Number(`${step}e-${places}`);
          assert.equal(isMultiple(Number(`${n}e-${places}`), small), n % step === 0);
        },
      ),
    );
  });
});
