/** Current state and history: the sink contract, and that they are a function of the set of events. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { Timestamp } from '../../src/event/time.ts';
import type { SinkPartition } from '../../src/sinks/sink.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { type EventBatch, newPartition, sinkContract, stage } from '../contracts/sink.ts';
import {
  contractDimension,
  dimensionInto,
  fold,
  type Keep,
  readTables,
  type Version,
  versionsInto,
} from '../support/dimension-events.ts';
import { openTestEmbedded, openTestServer, type TestWarehouse } from '../support/postgres-server.ts';
import { uuidOf } from '../support/table-events.ts';

const inLogOrder = `starts_with(id, $1) ORDER BY split_part(id, ' ', 3)::int`;

for (const [driver, open] of Object.entries({ embedded: openTestEmbedded, server: openTestServer }))
  sinkContract(`dimension, ${driver}`, async () => {
    const opened = await open();
    const { warehouse } = opened;
    const { pool } = warehouse;
    return {
      sink: () => dimensionInto(warehouse, contractDimension('contract')),
      landed: async ({ topic, partition }) => {
        const exists = await pool.query(`SELECT to_regclass('contract') IS NOT NULL AS is`);
        if (!exists.rows[0].is) return [];
        const place = [`${topic} ${partition} `];
        const current = await pool.query<{ id: string }>(`SELECT id FROM contract WHERE ${inLogOrder}`, place);
        const history = await pool.query(`SELECT id FROM contract_history WHERE is_current AND ${inLogOrder}`, place);
        assert.deepEqual(current.rows, history.rows);
        return current.rows.map(({ id }) => id);
      },
      fences: true,
      close: () => opened.close(),
    };
  });

const times = ['2022-04-01T12:00:00.000000Z', '2022-04-01T12:00:01.000000Z', '2022-04-01T12:00:02.000000Z'];

/** Few keys, times and ids, so that much of it is the same. */
const anyVersion = fc
  .record({
    key: fc.integer({ min: 0, max: 2 }),
    at: fc.constantFrom(...(times as Timestamp[])),
    id: fc.constantFrom('a', 'B', 'c', 'ä'),
    name: fc.constantFrom('one', 'two'),
    note: fc.constantFrom(null, '', 'z'),
    isOther: fc.boolean().map((is) => is),
    bad: fc.oneof(
      { weight: 8, arbitrary: fc.constant(undefined) },
      fc.constant('row' as const),
      fc.constant('staging' as const),
    ),
  })
  .map(({ bad, isOther, ...version }) => ({ ...version, ...(bad && { bad }), isOther: isOther && version.id === 'c' }));

/** What happens to a batch on its way. */
const fate = fc.record({
  size: fc.integer({ min: 1, max: 7 }),
  crashes: fc.constantFrom('no', 'no', 'staged', 'committed'),
  isOthers: fc.boolean(),
});

async function landTo(owner: SinkPartition<Version>, batch: Parameters<typeof stage<Version>>[1]): Promise<void> {
  await (await stage(owner, batch)).commit();
}

function batchOf(versions: readonly Version[], from: number, to: number): EventBatch<Version> {
  return { from, to, events: versions.slice(from, to).map((event, i) => ({ offset: from + i, event })) };
}

/** Each stretch in place of what has landed of it; what is refused is left out. */
async function replay(
  partition: SinkPartition<Version>,
  versions: readonly Version[],
  ends: readonly number[],
): Promise<void> {
  let from = 0;
  for (const to of ends) {
    if (to === from) continue;
    const batch = partition.batch();
    for (const { offset, event } of batchOf(versions, from, to).events) if (!event.bad) batch.add(offset, event);
    const replaces = versions.slice(from, to).map(({ correlationId }) => correlationId);
    await (await batch.stage({ from, to, without: new Set(), replaces }, undefined)).commit();
    from = to;
  }
}

describe('dimension', () => {
  let opened: TestWarehouse;
  let warehouse: Warehouse;
  before(async () => {
    opened = await openTestEmbedded();
    warehouse = opened.warehouse;
  });
  after(() => opened.close());
  let tables = 0;

  for (const keep of ['history', 'last', 'first'] satisfies Keep[])
    it(`D3: ${keep}: of any events in any order, repeated, tied, refused and interrupted, the tables are those of a plain fold over the set`, async () => {
      const all = fc.array(anyVersion, { minLength: 1, maxLength: 30 });
      const repeats = fc.array(fc.nat(29), { maxLength: 10 });
      await fc.assert(
        fc.asyncProperty(all, repeats, fc.array(fate, { minLength: 1, maxLength: 12 }), async (made, again, fates) => {
          const name = `versions_${tables++}`;
          const repeated = [...made, ...again.map((i) => made[i % made.length]!)];
          const versions = repeated.map((one, i): Version => ({ ...one, correlationId: uuidOf(`${i % 23}`) }));
          const sinks = [0, 1].map(() => dimensionInto(warehouse, versionsInto(name, keep)));
          await landAll(versions, fates, sinks);
          assert.deepEqual(await readTables(warehouse, name, keep), fold(versions, keep));
          await warehouse.pool.query(`DROP TABLE ${name}${keep === 'history' ? `, ${name}_history` : ''}`);
        }),
        { numRuns: 20 },
      );
    });

  it('D9: what has landed lands again without change, and what its code makes of it today takes its place', async () => {
    const versions = fc.array(anyVersion, { minLength: 1, maxLength: 20 });
    const cuts = fc.array(fc.nat(20), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        versions,
        cuts,
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        async (made, at, go) => {
          for (const keep of ['history', 'last', 'first'] satisfies Keep[]) {
            const name = `replayed_${tables++}`;
            const all = made.map((one, i): Version => ({ ...one, correlationId: uuidOf(`${i}`) }));
            const partition = await dimensionInto(warehouse, versionsInto(name, keep)).open(newPartition());
            await landTo(partition, batchOf(all, 0, all.length));
            const ends = [...new Set([...at.map((cut) => cut % all.length), all.length])].toSorted((a, b) => a - b);
            await replay(partition, all, ends);
            assert.deepEqual(await readTables(warehouse, name, keep), fold(all, keep));
            // Without a history nobody knows what was there before: what today's code refuses stays.
            if (keep !== 'history') continue;
            const today = all.map((one, i): Version => ({
              ...one,
              name: `${one.name} today`,
              isOther: go[i] ?? false,
            }));
            await replay(partition, today, ends);
            assert.deepEqual(await readTables(warehouse, name, keep), fold(today, keep));
          }
        },
      ),
      { numRuns: 6 },
    );
  });

  it('partitions that have the same keys merge at the same time, and wait for nobody in a circle', async () => {
    const [one, other] = ['history', 'last'].map((keep) => versionsInto(`circle_${keep}`, keep as Keep)) as [
      ReturnType<typeof versionsInto>,
      ReturnType<typeof versionsInto>,
    ];
    const { topic } = newPartition();
    const all = Array.from({ length: 200 }, (_, i): Version => {
      const time = times[(i * 7) % 3] as Timestamp;
      return { key: i % 2, at: time, id: `${(i * 37) % 200}`, name: 'a', note: null, correlationId: uuidOf(`${i}`) };
    });
    await Promise.all(
      [0, 1, 2, 3].map(async (partition) => {
        const sinks = await Promise.all(
          [one, other].map((definition) => dimensionInto(warehouse, definition).open({ topic, partition })),
        );
        const own = all.filter((_, i) => i % 4 === partition);
        for (let from = 0; from < own.length; from += 2) {
          const to = Math.min(from + 2, own.length);
          // As a processor does it: all staged, then all committed.
          const staged = await Promise.all(sinks.map((sink) => stage(sink, batchOf(own, from, to))));
          await Promise.all(staged.map((batch) => batch.commit()));
        }
      }),
    );
    assert.deepEqual(await readTables(warehouse, 'circle_history', 'history'), fold(all, 'history'));
    assert.deepEqual(await readTables(warehouse, 'circle_last', 'last'), fold(all, 'last'));
  });

  it('says how tables that are there differ', async () => {
    const columns =
      'note text, at timestamptz NOT NULL, id text NOT NULL, name text NOT NULL, correlation_id uuid NOT NULL';
    const cases: readonly [ddl: string, message: RegExp | undefined][] = [
      [`key bigint NOT NULL, ${columns}`, /it has no primary key \(key\)/],
      [`key integer PRIMARY KEY, ${columns}`, /column key is of type integer, not bigint/],
      [`key bigint PRIMARY KEY, ${columns.replace('note text', 'note text NOT NULL')}`, /column note is NOT NULL/],
      [`key bigint PRIMARY KEY, ${columns}, more int`, undefined],
    ];
    for (const [ddl, message] of cases) {
      const name = `differs_${tables++}`;
      await warehouse.pool.query(`CREATE TABLE ${name} (${ddl})`);
      const opening = dimensionInto(warehouse, versionsInto(name, 'last')).open(newPartition());
      if (message === undefined) await opening;
      else
        await assert.rejects(
          opening,
          (error) => isFault(error, 'WAREHOUSE_TABLE_DIFFERS') && message.test(error.message),
        );
    }
  });

  type Fate = typeof fate extends fc.Arbitrary<infer F> ? F : never;

  /** Two owners in turns; batches are aborted, or land and are staged again. */
  async function landAll(
    versions: readonly Version[],
    fates: readonly Fate[],
    sinks: readonly ReturnType<typeof dimensionInto<Version>>[],
  ): Promise<void> {
    const at = newPartition();
    let owners: SinkPartition<Version>[] = [];
    for (let from = 0, turn = 0; from < versions.length; turn++) {
      const { size, crashes, isOthers } = fates[turn % fates.length]!;
      if (turn === 0 || crashes !== 'no') owners = await Promise.all(sinks.map((sink) => sink.open(at)));
      const owner = owners[isOthers ? 1 : 0]!;
      const to = Math.min(from + size, versions.length);
      const batch = batchOf(versions, from, to);
      try {
        const staged = await stage(owner, batch);
        if (crashes === 'staged') {
          await staged.abort();
          await landTo(await sinks[0]!.open(at), batch);
        } else await staged.commit();
        if (crashes === 'committed') await landTo(owner, batch);
      } catch (error) {
        if (!isFault(error, 'CHECKPOINT_STALE')) throw error;
        owners = await Promise.all(sinks.map((sink) => sink.open(at)));
        continue;
      }
      from = to;
    }
  }
});
