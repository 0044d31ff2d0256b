/** Which objects become one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type LandedObject, planMerges } from '../../../src/sinks/objects/compaction/plan-merges.ts';
import { mergedName, offsetsIn } from '../../../src/sinks/object-name.ts';

const object = (first: number, bytes = 10, more: Partial<LandedObject> = {}): LandedObject => {
  const named = { partition: 0, first, last: first, ...more };
  return { ...named, name: `t-0-${first}.json`, bytes, hasSettled: true, ...more };
};
const firsts = (groups: readonly (readonly LandedObject[])[]): number[][] =>
  groups.map((group) => group.map(({ first }) => first));
const plan = (all: readonly LandedObject[], cuts: readonly number[] = []): number[][] =>
  firsts(planMerges(all, { targetBytes: 1000, cuts }));

test('neighbours in the order of the log become one as long as they fit; one that is alone stays (D4)', () => {
  const objects = [30, 0, 100, 20, 40, 10].map((first) => object(first));
  assert.deepEqual(firsts(planMerges(objects, { targetBytes: 25, cuts: [] })), [
    [0, 10],
    [20, 30],
    [40, 100],
  ]);
  assert.deepEqual(firsts(planMerges(objects.slice(0, 4), { targetBytes: 35, cuts: [] })), [[0, 20, 30]]);
});

test('nothing is merged across a cut, what is large, what has not settled, or what lies across its neighbours (D9)', () => {
  const objects = [0, 10, 20, 30, 40].map((first) => object(first));
  assert.deepEqual(plan(objects, [0, 20]), [
    [0, 10],
    [20, 30, 40],
  ]);
  assert.deepEqual(plan(objects, [5, 15, 25]), [[30, 40]]);
  assert.deepEqual(plan(objects.with(2, object(20, 500))), [
    [0, 10],
    [30, 40],
  ]);
  assert.deepEqual(plan(objects.with(2, object(20, 10, { hasSettled: false }))), [
    [0, 10],
    [30, 40],
  ]);
  assert.deepEqual(plan([object(0, 10, { last: 15 }), ...objects.slice(1)]), [[20, 30, 40]]);
  assert.deepEqual(plan(objects.with(0, object(0, 10, { last: 9 })), [5]), [[10, 20, 30, 40]]);
});

test('what has been merged is not merged again: a second plan is empty', () => {
  const one = fc.record({ gap: fc.integer({ min: 1, max: 9 }), bytes: fc.nat(60), hasSettled: fc.boolean() });
  const all = fc.record({
    objects: fc.array(one, { maxLength: 40 }),
    targetBytes: fc.integer({ min: 1, max: 150 }),
    cuts: fc.uniqueArray(fc.nat(150), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(all, ({ objects, targetBytes, cuts: anyCuts }) => {
      const cuts = anyCuts.toSorted((a, b) => a - b);
      let first = 0;
      const landed = objects.map(({ gap, bytes, hasSettled }) => object((first += gap), bytes, { hasSettled }));
      const groups = planMerges(landed, { targetBytes, cuts });
      const gone = new Set(groups.flat());
      const merged = groups.map((group) =>
        object(group[0]!.first, sum(group), { last: group.at(-1)!.first, name: 'merged' }),
      );
      for (const { bytes, first: from, last } of merged) {
        assert.ok(bytes <= targetBytes);
        assert.ok(!cuts.some((cut) => cut > from && cut <= last));
      }
      const after = [...landed.filter((each) => !gone.has(each)), ...merged];
      assert.deepEqual(planMerges(after, { targetBytes, cuts }), []);
    }),
  );
});

test('a name tells its offsets, and whose it is: no topic takes those of another for its own', () => {
  const named = { partition: 1, first: 2, last: 30 };
  assert.equal(mergedName('a', named), 'a-1-2_30.json');
  const extension = 'json';
  assert.deepEqual(offsetsIn('a-1-2_30.json', 'a'), { ...named, extension });
  assert.deepEqual(offsetsIn('a-1-2.json', 'a'), { partition: 1, first: 2, last: 2, extension });
  assert.equal(offsetsIn('a-1-2.parquet', 'a')?.extension, 'parquet');
  for (const other of ['a-1-2_3_4.json', 'a-1-2.avro', 'a-1.json', 'ab-1-2.json', 'a-1-2.json.gz', 'a-1-_2.json'])
    assert.equal(offsetsIn(other, 'a'), undefined, other);
  assert.equal(offsetsIn('a-1-2-3_4.json', 'a'), undefined);
  assert.deepEqual(offsetsIn('a-1-2-3_4.json', 'a-1'), { partition: 2, first: 3, last: 4, extension });
});

function sum(group: readonly LandedObject[]): number {
  return group.reduce((bytes, each) => bytes + each.bytes, 0);
}
