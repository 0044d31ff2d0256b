/** Current state and history: the sink contract, and that they are a function of the set of events. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { Timestamp } from '../../src/event/time.ts';
import type { SinkPartition } from '../../src/sinks/sink.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { newPartition, sinkContract, stage } from '../contracts/sink.ts';
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
        { numRuns: 40 },
      );
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
      const batch = {
        from,
        to,
        events: versions.slice(from, to).map((event, i) => ({ offset: from + i, event })),
      };
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
