import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { faults } from '../../src/prove/cluster/faults.ts';
import { planRounds } from '../../src/prove/cluster/plan.ts';

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

suite('the plan of a cluster proof', () => {
  test('has as many faults as were asked for, one or two at a time, which strike different things', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 0, max: 300 }), (of, count) => {
        const rounds = planRounds(count, of);
        assert.equal(rounds.flat().length, count);
        for (const round of rounds) {
          assert.ok(round.length === 1 || round.length === 2);
          const targets = round.map(({ kind }) => faults[kind]?.target);
          assert.equal(new Set(targets).size, round.length, JSON.stringify(round));
        }
      }),
    );
  });

  test('is the same for the same seed, and another for another', () => {
    fc.assert(fc.property(seed, (of) => assert.deepEqual(planRounds(20, of), planRounds(20, of))));
    assert.notDeepEqual(planRounds(20, 1), planRounds(20, 2));
  });

  test('has every kind of fault in 200', () => {
    const kinds = new Set(planRounds(200, 1).flatMap((round) => round.map(({ kind }) => kind)));
    assert.deepEqual([...kinds].toSorted(), Object.keys(faults).toSorted());
  });
});
