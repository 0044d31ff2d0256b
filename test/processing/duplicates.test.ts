/** Of events with one key the first lands, whatever fails and wherever the process ends; and what lands again is the same again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { LogRecord } from '../../src/log/log.ts';
import { dropDuplicateLists, duplicate, Duplicates, earlierDuplicates } from '../../src/processing/duplicates.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { CallFault } from '../../src/testing/faulty-calls.ts';
import { findAll } from '../support/found-in-place.ts';
import { MapState } from '../support/map-state.ts';
import { placesOfSuite } from '../support/places.ts';
import { type Events, land, type LifeOptions, liveUntilLanded, type Place } from '../support/processor-lives.ts';
import { replayIn } from '../support/replay-in.ts';

/** In a few batches; keys come again within one, in the next one and in later ones, and after an event of theirs that was refused. */
const events: Events = ([0, 1, 0, 2, 'refused', 3, 3, 1, 4, 0, 2, 4] as const).map((key) =>
  key === 'refused' ? ['transform', 'k3'] : ['good', `k${key}`],
);
const others: Events = ['o1', 'o2', 'o3', 'o4'].map((key) => ['good', key]);
const options: LifeOptions = { deduplicates: true };
/** A failure before a call is as a crash after the one before, but for what is still in memory. */
const hows: readonly CallFault['how'][] = ['crash after', 'fail before'];

async function assertFirstOnly(place: Place, when: string): Promise<void> {
  const firsts = new Map<string, string>();
  for (const { id, key, kind } of place.events) if (kind === 'good' && !firsts.has(key)) firsts.set(key, id);
  const expected = new Map([...firsts.values()].map((id) => [id, 1] as const));
  const found = await findAll(place);
  assert.deepEqual(found.rows, expected, `rows, ${when}`);
  assert.deepEqual(found.lines, expected, `lines of objects, ${when}`);
  assert.equal(found.letters.size, 1, `dead letters, ${when}`);
}

/** Each event has landed, or is a dead letter, or one before it with its key has landed; no two of these. */
async function assertNoneLost(place: Place, when: string): Promise<void> {
  const { rows, lines, letters } = await findAll(place);
  assert.deepEqual(lines, rows, `lines of objects, ${when}`);
  const keys = new Set<string>();
  for (const { id, key } of place.events) {
    const ways = [rows.get(id) ?? 0, letters.get(id) ?? 0, Number(keys.has(key) && !rows.has(id) && !letters.has(id))];
    assert.equal(ways[0]! + ways[1]! + ways[2]!, 1, `${id}, ${key}: ${ways.join()}, ${when}`);
    if (!rows.has(id)) continue;
    assert.ok(!keys.has(key), `${key} has landed twice, ${when}`);
    keys.add(key);
  }
}

suite('duplicates', () => {
  const placeOf = placesOfSuite();

  test('D5: after a crash or a failure at any call the first of each key has landed, once, and no other', async () => {
    const place = await placeOf(events);
    const [life] = await liveUntilLanded(place, [options]);
    await assertFirstOnly(place, 'without faults');
    const duplicates = life!.landed.reduce((sum, one) => sum + one.duplicates, 0);
    assert.deepEqual([duplicates, life!.landed.length > 1], [6, true], 'counted, in several batches');
    for (const [call, name] of life!.calls.names.entries()) {
      const goWrong = async (how: CallFault['how']): Promise<void> => {
        const other = await placeOf(events);
        await liveUntilLanded(other, [{ ...options, faults: [{ call, how }] }]);
        await assertFirstOnly(other, `${how} call ${call}, ${name}`);
      };
      await Promise.all(hows.map(goWrong));
    }
  });

  test('D2, D5: after a crash or a failure at any call no event is dropped as the duplicate of one that a sink has refused', async () => {
    const alike: Events = [
      ['jsonb', 'k1'],
      ['good', 'k1'],
      ['row', 'k2'],
      ...others,
      ['good', 'k1'],
      ['good', 'k2'],
      ...others.slice(2),
    ];
    const place = await placeOf(alike);
    const [life] = await liveUntilLanded(place, [options]);
    await assertNoneLost(place, 'without faults');
    assert.ok(life!.landed.length > 1, 'in several batches');
    for (const [call, name] of life!.calls.names.entries()) {
      const goWrong = async (how: CallFault['how']): Promise<void> => {
        const other = await placeOf(alike);
        await liveUntilLanded(other, [{ ...options, faults: [{ call, how }] }]);
        await assertNoneLost(other, `${how} call ${call}, ${name}`);
      };
      await Promise.all(hows.map(goWrong));
    }
  });

  test('D9: what was a duplicate stays one in a replay, also when its key has been forgotten', async () => {
    const place = await placeOf(events);
    await land(place, options);
    const state = await openLmdbStore({ dir: join(place.dir, 'state'), minFreeBytes: 0 });
    const keys = (await Array.fromAsync(state.entries('seen/'))).map(([key]) => key);
    assert.equal(keys.length, 5);
    await state.commit({ delete: keys });
    await state.close();
    await replayIn(place, 'start', options);
    await assertFirstOnly(place, 'after the replay');
  });
});

const of = { logId: 'log', consumer: 'c', at: { topic: 't', partition: 0 } };

function opened(state: MapState): Duplicates<string> {
  return new Duplicates({ state, of, key: (key) => key, windowMs: 1_000 });
}

function recordAt(offset: number): LogRecord {
  return { offset, timeMs: 0, key: null, value: Buffer.alloc(0), headers: [] };
}

/** Offsets of duplicates in the batch. */
async function take(duplicates: Duplicates<string>, keys: readonly string[], from: number): Promise<readonly number[]> {
  const records = keys.map((_, index) => recordAt(from + index));
  const outputs = await duplicates.without(records, keys, new Set(), undefined);
  return records.filter((_, index) => outputs[index] === duplicate).map(({ offset }) => offset);
}

interface Step {
  readonly keys: readonly string[];
  /** Before the batch is kept, with the next one taken already. */
  readonly crashes: boolean;
}

async function takeAll(steps: readonly Step[]): Promise<void> {
  const state = new MapState();
  let kept = opened(state);
  const seen = new Set<string>();
  let to = 0;
  let ahead: Promise<readonly number[]> | undefined;
  for (const [index, { keys, crashes }] of steps.entries()) {
    const from = to;
    to += keys.length;
    let found = await (ahead ?? take(kept, keys, from));
    const next = steps[index + 1];
    ahead = next && take(kept, next.keys, to);
    if (crashes) {
      await ahead;
      kept = opened(state);
      found = await take(kept, keys, from);
      ahead = undefined;
    }
    const expected = keys.flatMap((key, at) => (seen.has(key) ? [from + at] : (seen.add(key), [])));
    assert.deepEqual(found, expected);
    await state.commit({ put: kept.puts({ from, to }, found, new Set()) });
    kept.landed(to);
  }
}

test('D5: property: with the next batch taken before the last is kept, and crashes between, as if one had looked at all of them', async () => {
  const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'x'.repeat(300), ''), { minLength: 1, maxLength: 6 });
  const steps = fc.array(fc.record({ keys, crashes: fc.boolean() }), { maxLength: 8 });
  await fc.assert(fc.asyncProperty(steps, takeAll), { numRuns: 200 });
});

test('D5: an event that is read again after its key was kept finds itself, and a key of an event that was refused is not kept', async () => {
  const state = new MapState();
  const kept = opened(state);
  assert.deepEqual(await take(kept, ['a', 'b'], 0), []);
  await state.commit({ put: kept.puts({ from: 0, to: 2 }, [], new Set([1])) });
  assert.deepEqual(await take(opened(state), ['a', 'b', 'a'], 0), [2], 'again');
  assert.deepEqual(await take(opened(state), ['b', 'a'], 2), [3], 'others');
});

test('lists of duplicates go when the log has forgotten their records, and not before', async () => {
  const state = new MapState();
  const duplicates = opened(state);
  await state.commit({ put: duplicates.puts({ from: 0, to: 5 }, [1, 3], new Set()) });
  await state.commit({ put: duplicates.puts({ from: 5, to: 9 }, [7], new Set()) });
  await dropDuplicateLists(state, of, 3);
  assert.deepEqual(await earlierDuplicates(state, of).within({ from: 0, to: 9 }), [1, 3, 7]);
  await dropDuplicateLists(state, of, 4);
  assert.deepEqual(await earlierDuplicates(state, of).within({ from: 0, to: 9 }), [7]);
});
