/** Views against the contract's own words, with crashes, redeliveries and rivals; the log and the loops are the real ones. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { count, first, last, type Minute, pairs, type Timestamp, view } from 'tributary';
import { isFault } from '../../src/errors.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { StateChange, StateStore } from '../../src/stores/state/state-store.ts';
import { Joined } from '../../src/views/joined.ts';
import { rebuildView, type RebuildOptions, type Rebuilt } from '../../src/views/rebuild.ts';
import { generationKey } from '../../src/views/view-keys.ts';
import { openViewState } from '../../src/views/view-state.ts';
import { Views } from '../../src/views/views.ts';
import { changed } from '../support/changed.ts';
import { MapState } from '../support/map-state.ts';
import { scratch } from '../support/program.ts';
import { fault, opened } from '../support/segment-logs.ts';

interface Signal {
  readonly kind: 'initial' | 'followup';
  readonly uuid: string;
  readonly symbol: string | null;
  readonly time: Timestamp;
}

const bySymbol = view({
  name: 'by-symbol',
  counts: (signal: Signal) =>
    signal.kind === 'initial' ? { key: signal.symbol as string, time: signal.time } : undefined,
  measures: {
    count: count(),
    earliest: first(),
    latest: last(),
    followups: pairs({
      by: ({ uuid }: Signal) => uuid,
      with: ({ kind }: Signal) => kind === 'followup',
      keptForDays: 30,
    }),
  },
});

const pipeline = { name: 'signals', topic: { name: 't' }, views: [bySymbol] } as unknown as Pipeline;
const quiet = { failed: () => {}, gone: () => {}, skipped: () => {}, assigned: () => {}, unassigned: () => {} };

const convert = async (records: readonly LogRecord[]): Promise<readonly Signal[]> =>
  records.map(({ value }) => JSON.parse(value.toString()) as Signal);

function startViews(log: Log, store: StateStore): Promise<Views> {
  return Views.start({
    log,
    store,
    pipelines: [pipeline],
    convert: () => convert,
    observe: () => quiet,
  });
}

/** One that has begun meanwhile takes over; a store that has gone back has forgotten it. */
function onlyStale(error: unknown): void {
  if (!isFault(error, 'CHECKPOINT_STALE')) throw error;
}

const identity = (log: Log) => ({ logId: log.id, pipeline: 'signals', view: 'by-symbol' });

class KillableState extends MapState {
  isKilledAtDelete = false;

  override async commit(change: StateChange): Promise<boolean> {
    if (this.isKilledAtDelete && !change.put) throw new Error('killed');
    return super.commit(change);
  }
}

function rebuild(log: Log, store: StateStore, settings: Partial<RebuildOptions> = {}): Promise<Rebuilt> {
  return rebuildView({
    log,
    store,
    of: identity(log),
    topic: 't',
    view: bySymbol,
    convert,
    isPartial: false,
    onProgress: () => {},
    onSkipped: () => {},
    ...settings,
  });
}

async function append(log: Log, signals: readonly Signal[]): Promise<void> {
  const batch = log.batch();
  for (const signal of signals)
    batch.add({ topic: 't', key: signal.uuid, value: Buffer.from(JSON.stringify(signal)), headers: [] });
  await log.append(batch);
}

async function threePartitions(t: TestContext): Promise<Log> {
  const log = await opened(t, { dir: await scratch(t) });
  await log.ensureTopics([{ name: 't', partitions: 3 }]);
  return log;
}

/** The contract's SQL: initials of the symbol in the range; the join of initials and followups by uuid. */
function reference(signals: readonly Signal[], lower: string, upper: string) {
  const rows = new Map<string, { count: number; earliest: string; latest: string; followups: number }>();
  const followups = signals.filter(({ kind }) => kind === 'followup');
  for (const { kind, symbol, time, uuid } of signals) {
    if (kind !== 'initial' || time < lower || (upper !== '' && time >= upper)) continue;
    const row = rows.get(symbol as string);
    const pairsOfIt = followups.filter((followup) => followup.uuid === uuid).length;
    rows.set(symbol as string, {
      count: (row?.count ?? 0) + 1,
      earliest: row && row.earliest < time ? row.earliest : time,
      latest: row && row.latest > time ? row.latest : time,
      followups: (row?.followups ?? 0) + pairsOfIt,
    });
  }
  return new Map([...rows].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const instants = [
  '2016-02-29T23:59:59.999999Z',
  '2016-03-01T00:00:00.000000Z',
  '2017-06-28T19:34:14.486693Z',
  '2017-06-28T19:34:59.000001Z',
  '2017-06-28T19:35:00.000000Z',
  '2017-12-31T23:59:00.000000Z',
  '2018-01-01T00:00:00.000000Z',
] as Timestamp[];
const initialAt = (index: number): Signal => ({
  kind: 'initial',
  uuid: 'u',
  symbol: 'a',
  time: instants[index % instants.length] as Timestamp,
});
const minutes = ['2015-01-01T00:00', '2016-03-01T00:00', '2017-06-28T19:34', '2017-06-28T19:35', '2018-01-01T00:00'];

const signal: fc.Arbitrary<Signal> = fc
  .record({
    kind: fc.constantFrom('initial' as const, 'followup' as const),
    uuid: fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5'),
    symbol: fc.constantFrom('a', 'e', 'k', 'ö/%', ''),
    time: fc.constantFrom(...instants),
  })
  .map((made) => (made.kind === 'initial' ? made : { ...made, symbol: null }));

type Step = readonly Signal[] | 'read' | 'crash' | 'rival' | 'restart' | 'keep' | 'rebuild' | 'rebuild beside';

suite('views', () => {
  test('D3: any signals in any order and batches, with crashes, rivals and restarts, are what the SQL says over all of them', async (t) => {
    const steps: fc.Arbitrary<Step[]> = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.array(signal, { minLength: 1, maxLength: 8 }) },
        {
          weight: 3,
          arbitrary: fc.constantFrom<Step>('read', 'crash', 'rival', 'restart', 'keep', 'rebuild', 'rebuild beside'),
        },
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const log = await threePartitions(t);
        const store = new MapState();
        let views = await startViews(log, store);
        const rivals: Views[] = [];
        const besides: Promise<unknown>[] = [];
        const sent: Signal[] = [];
        let kept = store.kept;
        const check = async (): Promise<void> => {
          assert.deepEqual(await views.read(bySymbol).all(), reference(sent, '', ''));
          for (const symbol of ['a', 'z']) {
            const none = { count: 0, earliest: null, latest: null, followups: 0 };
            assert.deepEqual(await views.read(bySymbol).at(symbol), reference(sent, '', '').get(symbol) ?? none);
          }
          for (const [index, lower] of minutes.entries())
            for (const upper of minutes.slice(index))
              assert.deepEqual(
                await views.read(bySymbol).between(lower as Minute, upper as Minute),
                reference(sent, lower, upper),
                `${lower} to ${upper}`,
              );
        };
        for (const step of taken) {
          if (step === 'read') await check();
          else if (step === 'keep') kept = store.kept;
          else if (step === 'crash') store.goBack(kept);
          else if (step === 'rebuild') await rebuild(log, store);
          else if (step === 'rebuild beside') besides.push(rebuild(log, store).catch(onlyStale));
          else if (step === 'rival') rivals.push(await startViews(log, store));
          else if (step === 'restart') {
            await views.drain();
            views = await startViews(log, store);
          } else {
            sent.push(...step);
            await append(log, step);
          }
        }
        await check();
        await Promise.all(besides);
        await Promise.all([views, ...rivals].map((one) => one.drain()));
        views = await startViews(log, store);
        await check();
        await views.drain();
        await log.close();
      }),
      { numRuns: 40 },
    );
  });

  test('D3: who has an older state in hand commits nothing, also where a rebuild was killed before it had cleaned up', async (t) => {
    const log = await threePartitions(t);
    const store = new KillableState();
    const open = () => openViewState({ store, of: identity(log), view: bySymbol, partition: 0, onSkipped: () => {} });
    const [one, other] = [await open(), await open()];
    const [record] = [{ offset: 0, timeMs: 0, key: null, value: Buffer.alloc(0), headers: [] }];
    const initial = { kind: 'initial', uuid: 'u', symbol: 'a', time: instants[0] };
    for (const state of [one, other]) await state.apply([record], [initial], 1);
    await one.commit();
    await assert.rejects(other.commit(), fault('CHECKPOINT_STALE'));
    await one.apply([{ ...record, offset: 1 }], [initial], 2);
    store.isKilledAtDelete = true;
    await assert.rejects(rebuild(log, store), /killed/);
    await assert.rejects(one.commit(), fault('CHECKPOINT_STALE'), 'another generation answers');
    await assert.rejects(one.totals(), fault('CHECKPOINT_STALE'));
  });

  test('one rebuild at a time: the one that has begun last has the view, and nothing of the others is left', async (t) => {
    const log = await threePartitions(t);
    const store = new MapState();
    const signals = Array.from({ length: 50 }, (_, i) => ({ ...initialAt(i), uuid: `u${i}` }));
    await append(log, signals);
    const { promise, resolve } = Promise.withResolvers<void>();
    let second: Promise<Rebuilt> | undefined;
    const overtaken = rebuild(log, store, {
      settled: async () => {
        second ??= rebuild(log, store);
        await second;
        resolve();
      },
    });
    await promise;
    await assert.rejects(overtaken, fault('CHECKPOINT_STALE'));
    assert.equal((await second)?.records, 50);
    await rebuild(log, store);
    const entries = [...store.kept.keys()].filter((key) => key.startsWith('v/'));
    const generations = new Set(entries.map((key) => key.split('/')[1]));
    assert.deepEqual([...generations], [store.kept.get(generationKey(identity(log)))?.toString()]);
    const views = await startViews(log, store);
    assert.deepEqual(await views.read(bySymbol).all(), reference(signals, '', ''));
    await views.drain();
  });

  test('a rebuild whose log has let go of records is refused, unless it may be partial', async (t) => {
    const log = await threePartitions(t);
    const store = new MapState();
    const cut = changed(log, { range: async () => ({ start: 7, end: 7 }) });
    await assert.rejects(rebuild(cut, store), fault('VIEW_PARTIAL', /21 offsets/));
    assert.deepEqual(await rebuild(cut, store, { isPartial: true }), { records: 0, gone: 21 });
  });

  test('D3: an event that a function of the view throws at is told, and costs the others nothing', async (t) => {
    const log = await threePartitions(t);
    const skipped: number[] = [];
    const odd = view({
      name: 'odd',
      counts: ({ symbol, time }: Signal) => {
        if (symbol === 'x') throw new Error('x marks the spot');
        return { key: 'all', time: symbol === 'y' ? ('yesterday' as Timestamp) : time };
      },
      measures: { count: count() },
    });
    const views = await Views.start({
      log,
      store: new MapState(),
      pipelines: [{ ...pipeline, views: [odd] }],
      convert: () => convert,
      observe: () => ({ ...quiet, skipped: (_, offset) => void skipped.push(offset) }),
    });
    const made = ['a', 'x', 'b', 'y', 'c'].map((symbol) => ({ ...initialAt(0), symbol }));
    await append(log, made);
    assert.deepEqual(await views.read(odd).at('all'), { count: 3 });
    assert.equal(skipped.length, 2);
    await views.drain();
  });

  test("what is remembered for pairs ends: by the log's time, and by number", async () => {
    const dayMs = 86_400_000;
    const joined = new Joined('n', 30);
    joined.touch(0);
    joined.addSecond();
    joined.addFirst('2017-06-28T19:34', 'a');
    joined.touch(30 * dayMs);
    assert.deepEqual([joined.seconds, joined.firsts.length], [1, 1]);
    const { value, expiresAtMs } = joined.put(0);
    assert.equal(expiresAtMs, 62 * dayMs);
    const again = new Joined('n', 30);
    again.load(Buffer.from(value));
    assert.equal(again.put(31 * dayMs).expiresAtMs, 62 * dayMs, 'a store keeps each other time of expiry until then');
    assert.equal(again.put(31 * dayMs + 1).expiresAtMs, 63 * dayMs + 1);
    assert.deepEqual([again.seconds, again.firsts], [1, joined.firsts]);
    again.touch(60 * dayMs + 1);
    assert.deepEqual([again.seconds, again.firsts.length], [0, 0]);
    for (let i = 0; i < 110; i++) again.addFirst(`minute ${i}`, 'a');
    again.addFirst('minute 109', 'a');
    assert.equal(again.firsts.length, 100);
    assert.deepEqual(again.firsts.at(-1), { minute: 'minute 109', key: 'a', count: 2 });
  });
});
