/** Compaction on a real directory and real keyed state, killed anywhere: each event stays in the lake once (D3), in order (D4). */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../../src/errors.ts';
import { Checkpoint } from '../../../src/processing/checkpoint.ts';
import { CompactionHold } from '../../../src/processing/compaction-hold.ts';
import { ReplayProgress } from '../../../src/processing/replay-progress.ts';
import { offsetsIn } from '../../../src/sinks/object-name.ts';
import type { ObjectStore } from '../../../src/stores/objects/object-store.ts';
import type { CallFault } from '../../../src/testing/faulty-calls.ts';
import {
  type CompactedPlace,
  compactedPlace,
  lakeConsumer,
  lakeTopic,
  type PlaceOptions,
} from '../../support/compacted-place.ts';

const hows = ['crash before', 'crash after', 'fail before', 'fail after'] as const;

type Bodies = Readonly<Record<string, string>>;

async function placeWith(t: TestContext, objects: Bodies, options: PlaceOptions): Promise<CompactedPlace> {
  const place = await compactedPlace(options);
  t.after(() => place.close());
  await put(place.store, objects);
  return place;
}

async function put(store: ObjectStore, objects: Bodies): Promise<void> {
  const staged = await store.stage(Object.entries(objects).map(([key, body]) => ({ key, body: Buffer.from(body) })));
  await staged.commit();
}

async function bodiesIn(store: ObjectStore): Promise<Bodies> {
  const found: Record<string, string> = {};
  for await (const key of store.list('')) found[key] = String(await store.get(key));
  return found;
}

/** By prefix and partition, in the order of the names' offsets; what has another name, by its key. */
function linesOf(objects: Bodies): Readonly<Record<string, string>> {
  const all = Object.entries(objects).map(([key, body]) => {
    const slash = key.lastIndexOf('/');
    const offsets = offsetsIn(key.slice(slash + 1), lakeTopic);
    return { body, first: offsets?.first ?? 0, of: offsets ? `${key.slice(0, slash)} ${offsets.partition}` : key };
  });
  const lines: Record<string, string> = {};
  for (const { of, body } of all.toSorted((a, b) => a.first - b.first)) lines[of] = (lines[of] ?? '') + body;
  return lines;
}

const key = (first: number | string, prefix = 'events/date=2026-01-01'): string =>
  `${prefix}/${lakeTopic}-0-${first}.json`;

/** So many objects of a line each, ten offsets apart. */
const small = (count: number): Bodies =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [key(i * 10), `${i}\n`]));

suite('compaction', () => {
  test('small objects of a prefix become one, in the order of the log; again there is nothing to do (D3, D4)', async (t) => {
    const place = await placeWith(t, small(12), { partitions: 1, settledTo: 1_000 });
    const planned = await place.run({ dryRun: true });
    assert.equal(Object.keys(await bodiesIn(place.store)).length, 12);
    const done = await place.run();
    assert.deepEqual(done, planned);
    const prefix = 'events/date=2026-01-01';
    assert.deepEqual(done, {
      prefixes: [{ prefix, objects: 12, into: 1, bytes: 26 }],
      found: 12,
      others: 0,
      givenUp: 0,
      resumed: false,
    });
    const text = Array.from({ length: 12 }, (_, i) => `${i}\n`).join('');
    assert.deepEqual(await bodiesIn(place.store), { [key('0_110')]: text });
    assert.deepEqual(await place.run(), { prefixes: [], found: 1, others: 0, givenUp: 0, resumed: false });
  });

  test('killed at any step, it is ended by the next run: nothing is ever missing, and in the end all is there once (D3)', async (t) => {
    for (const how of ['crash before', 'crash after'] as const) {
      for (let call = 0, ended = false; !ended; call++) {
        const objects = { ...small(4), ...Object.fromEntries([0, 1].map((i) => [key(i, 'b'), `b${i}\n`])) };
        const place = await placeWith(t, objects, { partitions: 1, settledTo: 1_000 });
        const first = await place.run({ fault: { call, how } });
        ended = first !== 'died' && !('failed' in first);
        assert.ok(call > 0 || !ended);
        const between = await bodiesIn(place.store);
        const lines = Object.values(between).join('');
        for (const line of Object.values(objects))
          assert.ok(lines.includes(line), `${how} ${call}: ${line} is missing`);
        await place.run();
        const expected = { [key('0_30')]: '0\n1\n2\n3\n', [key('0_1', 'b')]: 'b0\nb1\n' };
        assert.deepEqual(await bodiesIn(place.store), expected, `${how} ${call}`);
        const { givenUp } = (await place.run()) as { givenUp: number };
        assert.equal(givenUp, 0);
        await place.close();
      }
    }
  });

  test('any objects, any target, any end: the lines are the same, each once, in order, and what is not settled is not touched (D3, D4)', async () => {
    const object = fc.record({
      prefix: fc.constantFrom('a', 'a/b', 'events/type=é 1'),
      partition: fc.nat(1),
      first: fc.nat(120),
      lines: fc.array(fc.stringMatching(/^[a-z]{0,20}$/), { maxLength: 3 }),
    });
    const other = fc.constantFrom('a/lake.raw-0-1.parquet', 'a/lake.raw-9.json', 'a/notes.json', 'lake.raw-0-1.json');
    const cases = fc.record({
      objects: fc.uniqueArray(object, {
        maxLength: 25,
        selector: (each) => `${each.prefix} ${each.partition} ${each.first}`,
      }),
      others: fc.uniqueArray(other),
      targetBytes: fc.integer({ min: 2, max: 120 }),
      settledTo: fc.integer({ min: 1, max: 140 }),
      cuts: fc.uniqueArray(fc.nat(120), { maxLength: 4 }),
      faults: fc.array(fc.record({ call: fc.nat(30), how: fc.constantFrom(...hows) }), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ objects, others, targetBytes, faults, settledTo, cuts }) => {
        const place = await compactedPlace({ partitions: 2, settledTo, cuts });
        try {
          const bodies: Record<string, string> = Object.fromEntries(others.map((name) => [name, 'other']));
          for (const { prefix, partition, first, lines } of objects)
            bodies[`${prefix}/${lakeTopic}-${partition}-${first}.json`] = lines.map((line) => `${line}\n`).join('');
          await put(place.store, bodies);
          for (const fault of faults) await place.run({ targetBytes, fault: fault satisfies CallFault });
          await place.run({ targetBytes });
          const after = await bodiesIn(place.store);
          assert.deepEqual(linesOf(after), linesOf(bodies));
          for (const { prefix, partition, first } of objects)
            if (first >= settledTo) assert.ok(`${prefix}/${lakeTopic}-${partition}-${first}.json` in after);
          assert.deepEqual(((await place.run({ targetBytes })) as { prefixes: unknown }).prefixes, []);
          assert.deepEqual(await bodiesIn(place.store), after);
        } finally {
          await place.close();
        }
      }),
      { numRuns: 30 },
    );
  });

  test('two at once, on two machines: the later one goes on, the earlier one is refused, and the lake is as one leaves it (D3)', async (t) => {
    const directory = await placeWith(t, {}, { partitions: 1, settledTo: 1_000 });
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let puts = 0;
    const store: ObjectStore = {
      ...directory.store,
      putFile: async (into, path) => {
        if (puts++ === 0) {
          reached.resolve();
          await goOn.promise;
        }
        return directory.store.putFile(into, path);
      },
    };
    const place = await placeWith(t, small(5), { partitions: 1, settledTo: 1_000, store });
    const earlier = place.run();
    await reached.promise;
    const later = await place.run();
    assert.equal((later as { resumed: boolean }).resumed, true);
    goOn.resolve();
    const { failed } = (await earlier) as { failed: unknown };
    assert.ok(isFault(failed, 'COMPACTION_UNDER_WAY'), String(failed));
    assert.deepEqual(await bodiesIn(store), { [key('0_40')]: '0\n1\n2\n3\n4\n' });
  });

  test('while it is under way, or was killed, no replay begins; while one is under way, it does not (D9)', async (t) => {
    const place = await placeWith(t, small(4), { partitions: 1, settledTo: 1_000 });
    const at = { topic: lakeTopic, partition: 0 };
    const of = { logId: 'log', consumer: lakeConsumer, at };
    const replay = await ReplayProgress.open(place.state, of);
    await place.run({ fault: { call: 0, of: 'put object', how: 'crash after' } });
    await assert.rejects(replay.begin(0, 40), (error) => isFault(error, 'COMPACTION_UNDER_WAY'));
    await place.run();
    await replay.begin(0, 40);
    const { failed } = (await place.run()) as { failed: unknown };
    assert.ok(isFault(failed, 'REPLAY_UNDER_WAY'), String(failed));
    await replay.stop('rotten');
    const hold = await CompactionHold.take(place.state, { logId: 'log', consumer: lakeConsumer, partitions: [at] });
    await assert.rejects(replay.begin(0, 40), (error) => isFault(error, 'COMPACTION_UNDER_WAY'));
    await hold.during(() => Promise.resolve());
    await replay.begin(0, 40);
  });

  test("one that failed between two merges stands in nobody's way", async (t) => {
    const objects = { ...small(4), [key(0, 'w')]: '', [key(0, 'x')]: '' };
    const { store } = await placeWith(t, objects, { partitions: 1, settledTo: 1_000 });
    const entries = async function* (start: string) {
      for await (const entry of store.entries(start)) {
        if (start === '' && entry.key.startsWith('x')) throw new Error('away');
        yield entry;
      }
    };
    const away = await placeWith(t, {}, { partitions: 1, settledTo: 1_000, store: { ...store, entries } });
    assert.match(String(((await away.run()) as { failed: unknown }).failed), /away/);
    assert.ok(key('0_30') in (await bodiesIn(store)));
    const of = { logId: 'log', consumer: lakeConsumer, at: { topic: lakeTopic, partition: 0 } };
    await (await ReplayProgress.open(away.state, of)).begin(0, 40);
  });

  test('objects of an interrupted batch, younger ones, other keys and other names stay as they are (D3)', async (t) => {
    const objects = {
      ...small(5),
      [key(0, 'other')]: 'o\n',
      [key(10, 'other')]: 'o\n',
      'events/date=2026-01-01/x.parquet': 'x',
    };
    const place = await placeWith(t, objects, { partitions: 1, settledTo: 1_000 });
    assert.deepEqual(((await place.run({ putBeforeMs: 1 })) as { prefixes: unknown }).prefixes, []);
    const at = { topic: lakeTopic, partition: 0 };
    const checkpoint = await Checkpoint.open(place.state, { logId: 'log', consumer: lakeConsumer, at });
    const plans = { objects: [key(20)] };
    await checkpoint.intend({ from: 1_000, to: 1_001, deadLettersFrom: [], plans });
    const done = await place.run({ start: 'events/' });
    assert.deepEqual((done as { others: number }).others, 1);
    const { [key(20)]: kept } = objects;
    assert.deepEqual(await bodiesIn(place.store), {
      [key('0_10')]: '0\n1\n',
      [key(20)]: kept,
      [key('30_40')]: '3\n4\n',
      [key(0, 'other')]: 'o\n',
      [key(10, 'other')]: 'o\n',
      'events/date=2026-01-01/x.parquet': 'x',
    });
  });

  test('below what the log still has nothing is replayed: there, cuts do not count', async (t) => {
    const options = { partitions: 1, settledTo: 1_000, cuts: [0, 20, 40] };
    const kept = await placeWith(t, small(6), options);
    await kept.run();
    assert.deepEqual(Object.keys(await bodiesIn(kept.store)), [key('0_10'), key('20_30'), key('40_50')]);
    const gone = await placeWith(t, small(6), { ...options, logStart: 30 });
    await gone.run();
    assert.deepEqual(Object.keys(await bodiesIn(gone.store)), [key('0_30'), key('40_50')]);
  });

  test('what somebody has changed by hand meanwhile is not deleted on a guess', async (t) => {
    const place = await placeWith(t, small(4), { partitions: 1, settledTo: 1_000 });
    const died = { fault: { call: 0, of: 'put object', how: 'crash before' } } as const;
    assert.equal(await place.run(died), 'died');
    await place.store.put(key('0_30'), Buffer.from('somebody else\n'));
    const { failed } = (await place.run()) as { failed: unknown };
    assert.ok(isFault(failed, 'OBJECT_EXISTS'), String(failed));
    await place.store.delete(key('0_30'));
    await place.store.delete(key(10));
    assert.equal(((await place.run()) as { givenUp: number }).givenUp, 1);
    assert.deepEqual(await bodiesIn(place.store), { [key('0_30')]: '0\n2\n3\n' });
  });
});
