/** Views against the contract's own words, with crashes, redeliveries and rivals; the log and the loops are the real ones. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { count, first, last, type Minute, pairs, type Timestamp, view } from 'tributary';
import type { Log } from '../../src/log/log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { Views } from '../../src/views/views.ts';
import { MapState } from '../support/map-state.ts';
import { directory, opened } from '../support/segment-logs.ts';

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

function startViews(log: Log, store: StateStore): Promise<Views> {
  return Views.start({
    log,
    store,
    pipelines: [pipeline],
    convert: () => async (records) => records.map(({ value }) => JSON.parse(value.toString()) as Signal),
    observe: () => quiet,
  });
}

async function append(log: Log, signals: readonly Signal[]): Promise<void> {
  const batch = log.batch();
  for (const signal of signals)
    batch.add({ topic: 't', key: signal.uuid, value: Buffer.from(JSON.stringify(signal)), headers: [] });
  await log.append(batch);
}

async function threePartitions(t: TestContext): Promise<Log> {
  const log = await opened(t, { dir: await directory(t) });
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
const minutes = ['2015-01-01T00:00', '2016-03-01T00:00', '2017-06-28T19:34', '2017-06-28T19:35', '2018-01-01T00:00'];

const signal: fc.Arbitrary<Signal> = fc
  .record({
    kind: fc.constantFrom('initial' as const, 'followup' as const),
    uuid: fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5'),
    symbol: fc.constantFrom('a', 'e', 'k', 'ö/%', ''),
    time: fc.constantFrom(...instants),
  })
  .map((made) => (made.kind === 'initial' ? made : { ...made, symbol: null }));

type Step = readonly Signal[] | 'read' | 'crash' | 'rival' | 'restart' | 'keep';

suite('views', () => {
  test('D3: any signals in any order and batches, with crashes, rivals and restarts, are what the SQL says over all of them', async (t) => {
    const steps: fc.Arbitrary<Step[]> = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.array(signal, { minLength: 1, maxLength: 8 }) },
        { weight: 3, arbitrary: fc.constantFrom<Step>('read', 'crash', 'rival', 'restart', 'keep') },
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const log = await threePartitions(t);
        const store = new MapState();
        let views = await startViews(log, store);
        const rivals: Views[] = [];
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
        await Promise.all([views, ...rivals].map((one) => one.drain()));
        views = await startViews(log, store);
        await check();
        await views.drain();
        await log.close();
      }),
      { numRuns: 40 },
    );
  });
});
