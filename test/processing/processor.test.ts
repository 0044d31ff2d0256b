/** The processor on real parts: whatever fails, and wherever its process ends, each event is exactly once where it belongs. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { CallFault } from '../../src/testing/faulty-calls.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll } from '../support/found-in-place.ts';
import {
  type Events,
  good,
  type Kind,
  type Life,
  type LifeOptions,
  liveUntilLanded,
  startLife,
  startOn,
} from '../support/processor-lives.ts';
import { until } from '../support/until.ts';
import { placesOfSuite } from '../support/places.ts';

const hows: readonly CallFault['how'][] = ['crash before', 'crash after', 'fail before', 'fail after'];
/** A crash before a call is one after the call before. */
const distinctHows = hows.slice(1);
const kinds: readonly Kind[] = ['good', 'transform', 'row', 'jsonb', 'index', 'object key'];
/** Of each kind some, with good ones between, in a few batches. */
const mixed: Events = (
  ['good', 'transform', 'jsonb', 'good', 'row', 'object key', 'good', 'good', 'index', 'good'] as const
).map((kind, index) => [kind, `k${index % 2}`]);
const onlyGood = good(12);

suite('processor', { concurrency: false }, () => {
  const placeOf = placesOfSuite();

  /** The calls of a life in which nothing goes wrong. */
  async function callsOf(events: Events, options: LifeOptions): Promise<readonly string[]> {
    const [life] = await liveUntilLanded(await placeOf(events), [options]);
    return (life as Life).calls.names;
  }

  test('lands what every sink takes; what any of them refuses is a dead letter, in none of them (D2, D3)', async () => {
    const place = await placeOf(mixed);
    const [life] = await liveUntilLanded(place, [{}]);
    await assertExactlyOnce(place, 'dead-letter');
    const sums = sumOf(life as Life);
    assert.deepEqual(sums, { landed: 5, deadLettered: 5, dropped: 0 });
    assert.ok((life as Life).landed.length > 1, 'more than one batch');
  });

  for (const onInvalid of ['dead-letter', 'drop'] as const) {
    test(`${onInvalid}: a crash or a failure at any call is made good by the next try (D2, D3)`, async () => {
      const names = await callsOf(mixed, { onInvalid });
      for (const needed of ['commit checkpoint', 'commit rows', 'put object', 'stage rows', 'open table'])
        assert.ok(names.includes(needed), `no call is ${needed}`);
      assert.equal(names.includes('append dead letters'), onInvalid === 'dead-letter');
      const refused = mixed.filter(([kind]) => kind !== 'good').length;
      const goWrong = async (call: number, name: string, how: CallFault['how']): Promise<void> => {
        const place = await placeOf(mixed);
        const [life] = await liveUntilLanded(place, [{ onInvalid, faults: [{ call, how }] }]);
        await assertExactlyOnce(place, onInvalid, `${how} call ${call}, ${name}`);
        if (how.startsWith('fail')) assert.ok(life!.failures.length > 0, `${how} ${name} was not told`);
        // Where only the answer of the checkpoint's own commit is lost, nobody counts the batch.
        if (how !== 'fail before') return;
        const { deadLettered, dropped } = sumOf(life!);
        assert.equal(onInvalid === 'drop' ? dropped : deadLettered, refused, `counted after ${how} ${name}`);
      };
      for (const [call, name] of names.entries())
        await Promise.all(distinctHows.map((how) => goWrong(call, name, how)));
    });
  }

  test('where offsets have holes, a crash or a failure at any call is made good by the next try (D2, D3, D4)', async () => {
    const [life] = await liveUntilLanded(await placeOf(mixed, { hasHoles: true }), [{}]);
    const { names } = life!.calls;
    const goWrong = async (call: number, how: CallFault['how']): Promise<void> => {
      const place = await placeOf(mixed, { hasHoles: true });
      await liveUntilLanded(place, [{ faults: [{ call, how }] }]);
      await assertExactlyOnce(place, 'dead-letter', `${how} call ${call}, ${names[call]}`);
    };
    for (const call of names.keys())
      await Promise.all((['crash after', 'fail before'] as const).map((how) => goWrong(call, how)));
  });

  test('a crash in the redo of a crash, again and again (D3)', async () => {
    const names = await callsOf(mixed, {});
    const commit = names.indexOf('commit rows');
    const place = await placeOf(mixed);
    const crashes = [
      { call: commit, how: 'crash after' },
      { call: 3, how: 'crash before' },
      { call: 4, how: 'crash after' },
      { call: 5, how: 'crash after' },
      { call: 6, how: 'crash before' },
    ] as const;
    await liveUntilLanded(
      place,
      crashes.map((fault) => ({ faults: [fault] })),
    );
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('a redo after a change of code that moves objects leaves none at its old key (D3)', async () => {
    const names = await callsOf(onlyGood, {});
    const puts = names.flatMap((name, call) => (name === 'put object' ? [call] : []));
    assert.ok(puts.length >= 4);
    for (const call of puts.slice(0, 4)) {
      const place = await placeOf(onlyGood);
      const deleted = { call: call + 6, how: 'crash before' } as const;
      await liveUntilLanded(place, [
        { prefix: 'v1', faults: [{ call, how: 'crash after' }] },
        { prefix: 'v2', faults: [deleted] }, // somewhere in the redo
        { prefix: 'v3' },
      ]);
      await assertExactlyOnce(place, 'dead-letter', `crash after put, call ${call}`);
    }
  });

  test('a sink that fails for a while is tried again, later each time; progress is not forgotten meanwhile', async () => {
    const place = await placeOf(onlyGood);
    const faults = [1, 2, 3].map((call) => ({ of: 'stage rows', call, how: 'fail before' }) as const);
    const life = await startLife(place, { faults });
    await life.caughtUp();
    assert.deepEqual(
      life.failures.map((error) => (error as Error).message),
      Array.from({ length: 3 }, () => 'fail before stage rows'),
    );
    await life.drain();
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('while a sink fails, progress stays where it was', async () => {
    const place = await placeOf(onlyGood);
    const faults = Array.from(
      { length: 500 },
      (_, more) => ({ of: 'stage rows', call: 1 + more, how: 'fail before' }) as const,
    );
    const life = await startLife(place, { faults });
    const seen = Promise.withResolvers<number>();
    const timer = setInterval(() => {
      if (life.failures.length >= 2) seen.resolve(life.processor.progress()[0]!.offset);
    }, 5);
    const offset = await seen.promise;
    clearInterval(timer);
    assert.ok(offset > 0, 'the first batch has landed');
    assert.equal(offset, life.landed.at(-1)?.to);
    await life.drain();
  });

  test('a drain lands the batch in hand and the one that was filled meanwhile, and begins no other (D8)', async () => {
    const place = await placeOf(onlyGood);
    const second = Promise.withResolvers<void>();
    let conversions = 0;
    const life = await startLife(place, {
      maxBatchBytes: 1, // one record a batch
      beforeConvert: async () => {
        conversions += 1;
        if (conversions === 2) second.resolve();
      },
    });
    await second.promise;
    await life.drain();
    const [first, ahead, ...others] = life.landed;
    assert.ok(first && ahead, 'what was in hand was left behind');
    assert.equal(ahead.from, first.to);
    const { rows } = await findAll(place);
    assert.equal(rows.size, [first, ahead, ...others].at(-1)?.to);
    assert.ok(rows.size < onlyGood.length, 'it went on after the drain had begun');
    await liveUntilLanded(place, [{}]);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('halt: nothing at or after the invalid event lands, also after a restart, until it is valid (D2)', async () => {
    const events = [...onlyGood, ['jsonb', 'k0'] as const, ...onlyGood];
    const place = await placeOf(events);
    for (let restart = 0; restart < 2; restart++) {
      const life = await startLife(place, { onInvalid: 'halt' });
      const reason = await life.halted;
      assert.ok(
        isFault(reason, 'PIPELINE_HALTED') && /events-0, offset 12: data: /.test(reason.message),
        String(reason),
      );
      await life.drain();
    }
    const found = await findAll(place);
    assert.equal(found.letters.size, 0);
    assert.deepEqual([...found.rows.keys()].toSorted(), [...found.lines.keys()].toSorted());
    for (const [index, { id }] of place.events.entries())
      if (index >= 12) assert.equal(found.rows.get(id), undefined, `${id} has landed behind the invalid event`);
    await liveUntilLanded(place, [{ onInvalid: 'dead-letter' }]);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('an owner that was overtaken gets CHECKPOINT_STALE from the table and changes nothing (D3)', async () => {
    const place = await placeOf(onlyGood);
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const owner = await startLife(place, {
      beforeConvert: () => {
        entered.resolve();
        return held.promise;
      },
    });
    await entered.promise; // it has read the first batch, and is slow
    const other = await startOn(place, owner);
    await other.caughtUp();
    held.resolve();
    await other.drain();
    await until(() => owner.failures.length > 0);
    assert.ok(isFault(owner.failures[0], 'CHECKPOINT_STALE') && /^lives_\d+ of test/.test(owner.failures[0].message));
    await owner.drain();
    assert.deepEqual(owner.landed, []);
    await assertExactlyOnce(place, 'dead-letter');
  });

  test('an owner that was overtaken gets CHECKPOINT_STALE from the state where no sink knows, and changes nothing (D3)', async () => {
    const place = await placeOf(onlyGood);
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const owner = await startLife(place, {
      sinks: 'objects',
      beforeConvert: () => {
        entered.resolve();
        return held.promise;
      },
    });
    await entered.promise;
    const other = await startOn(place, owner, { sinks: 'objects', prefix: 'theirs' });
    await other.caughtUp();
    held.resolve();
    await other.drain();
    await until(() => owner.failures.length > 0);
    assert.ok(isFault(owner.failures[0], 'CHECKPOINT_STALE'), String(owner.failures[0]));
    await owner.drain();
    assert.ok(!owner.calls.names.includes('put object'), 'the stale owner has written an object');
  });

  test('random events, faults and crashes: each event exactly once (D2, D3, D4)', async () => {
    const event = fc.tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant<Kind>('good') },
        { weight: 1, arbitrary: fc.constantFrom(...kinds) },
      ),
      fc.constantFrom('a', 'b', 'c', 'd'),
    );
    const fault = fc.record({ call: fc.nat(60), how: fc.constantFrom(...hows) });
    const life = fc.record({ faults: fc.array(fault, { maxLength: 3 }) });
    const cases = fc.record({
      events: fc.array(event, { minLength: 1, maxLength: 30 }),
      partitions: fc.integer({ min: 1, max: 3 }),
      lives: fc.array(life, { minLength: 1, maxLength: 4 }),
      onInvalid: fc.constantFrom('dead-letter' as const, 'drop' as const),
      hasHoles: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ events, partitions, lives, onInvalid, hasHoles }) => {
        const place = await placeOf(events, { partitions, hasHoles });
        await liveUntilLanded(
          place,
          lives.map(({ faults }) => ({ faults, onInvalid })),
        );
        await assertExactlyOnce(place, onInvalid);
      }),
      { numRuns: 25 },
    );
  });
});

function sumOf({ landed }: Life): { landed: number; deadLettered: number; dropped: number } {
  const sum = { landed: 0, deadLettered: 0, dropped: 0 };
  for (const outcome of landed) {
    sum.landed += outcome.landed;
    sum.deadLettered += outcome.deadLettered;
    sum.dropped += outcome.dropped;
  }
  return sum;
}
