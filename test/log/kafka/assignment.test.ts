import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  assign,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type SubscribedMember,
} from '../../../src/log/kafka/assignment.ts';

const topic = 'events';
const numbers = fc.uniqueArray(fc.nat(30), { maxLength: 8 });
const member = fc.record({
  memberId: fc.uuid(),
  topic: fc.constant(topic),
  stateId: fc.constantFrom('ours', 'ours', 'elsewhere'),
  owned: numbers,
});
const members = fc.uniqueArray(member, { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 7 });
const of = (owned: readonly number[], memberId: string): SubscribedMember => ({
  memberId,
  topic,
  stateId: 'ours',
  owned,
});

suite('assignment', () => {
  test('D4: each partition has one owner, and parts differ by one at most', () => {
    fc.assert(
      fc.property(members, fc.nat(30), (all, partitions) => {
        const given = assign(all, partitions, 'ours');
        const able = all.filter(({ stateId }) => stateId === 'ours');
        const parts = able.map(({ memberId }) => given.get(memberId)!);
        const expected = able.length === 0 ? [] : Array.from({ length: partitions }, (_, i) => i);
        assert.deepEqual(
          [...given.values()].flat().toSorted((a, b) => a - b),
          expected,
        );
        const sizes = parts.map(({ length }) => length);
        if (sizes.length > 0) assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join(' '));
      }),
    );
  });

  test('does not depend on the order of the members', () => {
    const shuffled = members.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.nat(30), ([all, other], partitions) => {
        const one = assign(all, partitions, 'ours');
        for (const [memberId, given] of assign(other, partitions, 'ours')) assert.deepEqual(given, one.get(memberId));
      }),
    );
  });

  test('done again it changes nothing', () => {
    fc.assert(
      fc.property(members, fc.nat(30), (all, partitions) => {
        const given = assign(all, partitions, 'ours');
        const again = assign(
          all.map((each) => ({ ...each, owned: given.get(each.memberId)! })),
          partitions,
          'ours',
        );
        assert.deepEqual(again, given);
      }),
    );
  });

  test('who comes takes from those who have more, and what stays, stays where it is', () => {
    assert.deepEqual(
      assign([of([0, 1, 2], 'a'), of([], 'b')], 3, 'ours'),
      new Map([
        ['a', [0, 1]],
        ['b', [2]],
      ]),
    );
    assert.deepEqual(assign([of([], 'b')], 3, 'ours'), new Map([['b', [0, 1, 2]]]));
  });

  test('who keeps checkpoints elsewhere gets nothing', () => {
    const given = assign([of([], 'a'), { ...of([0, 1], 'b'), stateId: 'elsewhere' }], 3, 'ours');
    assert.deepEqual([given.get('a'), given.get('b')], [[0, 1, 2], []]);
  });

  test('what is encoded reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), numbers, (stateId, partitions) => {
        const subscription = { topic, stateId, owned: partitions.toSorted((a, b) => a - b) };
        assert.deepEqual(decodeSubscription(topic, encodeSubscription(subscription)), subscription);
        const assignment = { partitions: subscription.owned, stateId };
        assert.deepEqual(decodeAssignment(topic, encodeAssignment(topic, assignment)), assignment);
      }),
    );
  });

  test('bytes of others are nobody of ours', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        assert.equal(decodeSubscription(topic, Buffer.from(bytes)).stateId, '');
      }),
    );
  });
});
