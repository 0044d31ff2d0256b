import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { SeenKeys } from '../../../src/sources/rest/seen-keys.ts';

suite('keys that a run has had', () => {
  test('D5: a key that comes again is found, and no other, also where memory has no room for all', () => {
    const keys = fc.array(fc.oneof(fc.nat(2_000).map(String), fc.string()), { maxLength: 4_000, size: 'max' });
    const property = fc.property(keys, fc.constantFrom(1 << 10, 1 << 11, 1 << 21), (all, slots) => {
      const seen = new SeenKeys({ keyAt: (place) => all[place] ?? null, slots });
      const found = new Map<number, number>();
      const look = (): void => {
        for (const [place, key] of all.entries()) {
          const before = seen.add(key, place);
          if (before !== undefined) found.set(place, before);
        }
      };
      look();
      if (new Set(all).size <= seen.room) assert.equal(seen.shares, 1);
      for (let share = 1; share < seen.shares; share++) {
        seen.begin(share);
        look();
      }
      const firsts = new Map<string, number>();
      const expected = new Map<number, number>();
      for (const [place, key] of all.entries())
        if (firsts.has(key)) expected.set(place, firsts.get(key)!);
        else firsts.set(key, place);
      assert.deepEqual(new Map([...found].toSorted(([a], [b]) => a - b)), expected);
    });
    fc.assert(property, { numRuns: 60 });
  });

  test('D6: its memory does not grow with the keys', () => {
    const slots = 1 << 12;
    const seen = new SeenKeys({ keyAt: () => null, slots });
    for (let place = 0; place < 200_000; place++) seen.add(`key ${place}`, place);
    assert.ok(seen.shares >= 200_000 / slots, `${seen.shares} shares`);
  });
});
