/** What a replay (D9) finds of the objects that are there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import { LandedObjects } from '../../src/sinks/objects/landed-objects.ts';
import { objectName } from '../../src/sinks/object-name.ts';

const at = { topic: 'events.raw', partition: 1 };

/** Lists in the order of their bytes, as stores do. */
function storeOf(keys: readonly string[]) {
  let lists = 0;
  return {
    lists: () => lists,
    list: async function* () {
      lists += 1;
      yield* keys.toSorted();
    },
  };
}

test('finds what any prefix has of the partition, and nothing of others', async () => {
  const keys = [
    'a/events.raw-1-0.json',
    'a/b/events.raw-1-7.json',
    'a/events.raw-1-10.json',
    'a/events.raw-11-5.json',
    'a/xevents.raw-1-5.json',
    'a/events.raw-1-5.json.gz',
    'events.raw-1-5.json/other.json',
    'dead-letter/collect/0.json',
  ];
  const landed = new LandedObjects(storeOf(keys), at);
  assert.deepEqual(await landed.within({ from: 0, to: 10 }), ['a/events.raw-1-0.json', 'a/b/events.raw-1-7.json']);
  assert.deepEqual(await landed.within({ from: 10, to: 20 }), ['a/events.raw-1-10.json']);
});

test('finds what was merged of the range, and refuses where that holds more than the range (D9)', async () => {
  const keys = ['a/events.raw-1-3_9.json', 'a/events.raw-1-12.json', 'b/events.raw-1-20_40.json'];
  const within = (from: number, to: number) => new LandedObjects(storeOf(keys), at).within({ from, to });
  assert.deepEqual(await within(3, 13), keys.slice(0, 2));
  assert.deepEqual(await within(10, 20), keys.slice(1, 2));
  assert.deepEqual(await within(0, 41), keys);
  for (const [from, to] of [
    [4, 13],
    [0, 9],
    [5, 6],
    [12, 40],
  ] as const)
    await assert.rejects(within(from, to), (error) => isFault(error, 'REPLAY_IMPOSSIBLE'), `${from} to ${to}`);
});

test('finds the same however few it keeps, and reads the store again only for what it has let go of (D6)', async () => {
  const offsets = fc.uniqueArray(fc.nat(200), { maxLength: 60 });
  const cases = fc.record({ offsets, most: fc.integer({ min: 1, max: 20 }), size: fc.integer({ min: 1, max: 50 }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ offsets: all, most, size }) => {
      const store = storeOf(all.map((first) => `p${first % 3}/${objectName(at, first, 'json')}`));
      const landed = new LandedObjects(store, at, most);
      for (let from = 0; from < 210; from += size) {
        const found = await landed.within({ from, to: from + size });
        const expected = all.filter((first) => first >= from && first < from + size).toSorted((a, b) => a - b);
        assert.deepEqual(
          found.map((key) => Number(/-(\d+)\.json$/.exec(key)?.[1])),
          expected,
        );
      }
      assert.ok(store.lists() <= 1 + all.length / most, `${store.lists()} times for ${all.length} of ${most}`);
    }),
    { numRuns: 200 },
  );
});

test('lower offsets than before are looked for anew: others may have written meanwhile', async () => {
  const keys: string[] = [];
  const landed = new LandedObjects({ list: () => storeOf(keys).list() }, at);
  assert.deepEqual(await landed.within({ from: 5, to: 10 }), []);
  keys.push('a/events.raw-1-0.json');
  assert.deepEqual(await landed.within({ from: 0, to: 5 }), keys);
});
