/** A table that is behind the log's checkpoint gets again what the log has, and nothing else changes. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import { assertExactlyOnce } from '../support/exactly-once.ts';
import { findAll, idsFrom, loseOldest } from '../support/found-in-place.ts';
import { openTestEmbedded, type TestWarehouse } from '../support/postgres-server.ts';
import { placesOfSuite } from '../support/places.ts';
import {
  type Events,
  good,
  type Kind,
  land,
  live,
  liveUntilLanded,
  newTableName,
  startLife,
  startOn,
} from '../support/processor-lives.ts';
import { uuidOf } from '../support/table-events.ts';

const kinds: readonly Kind[] = ['good', 'transform', 'row', 'jsonb', 'object key'];
const some = ['good', 'transform', 'jsonb', 'good', 'row', 'object key', 'good', 'good', 'object key', 'good'] as const;
/** Two batches. */
const mixed: Events = [...some, ...some].map((kind, index) => [kind, `k${index % 2}`]);
const many = good(100);
/** So that a hundred events fill some segments. */
const dataBytes = 8 * 1024;

suite('landing again', { concurrency: false }, () => {
  const placeOf = placesOfSuite();
  let other: TestWarehouse;
  before(async () => {
    other = await openTestEmbedded();
  });
  after(async () => {
    await other.close();
  });

  for (const onInvalid of ['dead-letter', 'drop'] as const)
    test(`${onInvalid}: a new database gets the whole log, once; objects and dead letters stay as they are (D2, D3)`, async () => {
      const place = await placeOf(mixed);
      await land(place, { onInvalid });
      const { objects } = await findAll(place);
      const moved = { ...place, warehouse: other.warehouse };
      const life = await land(moved, { onInvalid });
      await assertExactlyOnce(moved, onInvalid);
      assert.deepEqual((await findAll(moved)).objects, objects);
      assert.deepEqual(life.failures, []);
      assert.deepEqual(life.notices, [
        { kind: 'lands again', from: 0, to: mixed.length, gone: { from: 0, to: 0 }, sinks: [place.table] },
      ]);
      assert.ok(!life.calls.names.includes('put object'));
      assert.deepEqual((await land(moved, { onInvalid })).notices, [], 'it has all of it now');
    });

  test('a database that was restored gets what it has lost, once (D3)', async () => {
    const place = await placeOf(mixed);
    await land(place);
    const { pool } = place.warehouse;
    await pool.query('UPDATE tributary_checkpoints SET next_offset = 4 WHERE sink = $1', [place.table]);
    const lost = place.events.slice(4).map(({ id }) => uuidOf(id));
    await pool.query(`DELETE FROM ${place.table} WHERE message_id_stamp = ANY ($1)`, [lost]);
    const { notices } = await land(place);
    await assertExactlyOnce(place, 'dead-letter');
    assert.deepEqual(
      notices.map((notice) => notice.kind === 'lands again' && [notice.from, notice.to]),
      [[4, mixed.length]],
    );
  });

  test('of what is gone from the log a new database gets nothing, and that is told (D2, D3)', async () => {
    const place = await placeOf(many, { dataBytes });
    await land(place);
    const start = await loseOldest(place);
    assert.ok(start > 0 && start < many.length, `starts at ${start}`);
    const moved = { ...place, table: newTableName() };
    const { notices, failures } = await land(moved);
    const gone = { from: 0, to: start };
    assert.deepEqual(notices, [{ kind: 'lands again', from: start, to: many.length, gone, sinks: [moved.table] }]);
    assert.deepEqual(failures, []);
    const found = await findAll(moved);
    assert.deepEqual([...found.rows.keys()].toSorted(), idsFrom(place, start));
    assert.ok([...found.rows.values(), ...found.lines.values()].every((count) => count === 1));
    assert.equal(found.lines.size, many.length);
  });

  test('a crash or a failure at any call of landing again is made good by the next try (D2, D3)', async () => {
    const first = await placeOf(mixed);
    await land(first);
    const { calls } = await land({ ...first, table: newTableName() });
    const goWrong = async (call: number, how: 'crash after' | 'fail before' | 'fail after'): Promise<void> => {
      const place = await placeOf(mixed);
      await land(place);
      const moved = { ...place, table: newTableName() };
      await liveUntilLanded(moved, [{ faults: [{ call, how }] }]);
      await assertExactlyOnce(moved, 'dead-letter', `${how} call ${call}, ${calls.names[call]}`);
    };
    for (const call of calls.names.keys())
      await Promise.all([goWrong(call, 'crash after'), goWrong(call, 'fail before'), goWrong(call, 'fail after')]);
  });

  test('random events, crashes and changes of the database, there and back: the last one has each event once (D2, D3, D4)', async () => {
    const event = fc.tuple(
      fc.oneof(
        { weight: 4, arbitrary: fc.constant<Kind>('good') },
        { weight: 1, arbitrary: fc.constantFrom(...kinds) },
      ),
      fc.constantFrom('a', 'b', 'c'),
    );
    const how = fc.constantFrom('crash before', 'crash after', 'fail before', 'fail after' as const);
    const life = fc.record({
      faults: fc.array(fc.record({ call: fc.nat(40), how }), { maxLength: 2 }),
      database: fc.nat(2),
      maxBatchBytes: fc.constantFrom(700, 2_000, 6_000),
    });
    const cases = fc.record({
      events: fc.array(event, { minLength: 1, maxLength: 25 }),
      partitions: fc.integer({ min: 1, max: 2 }),
      lives: fc.array(life, { minLength: 2, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ events, partitions, lives }) => {
        const place = await placeOf(events, { partitions });
        const databases = [0, 1, 2].map(() => ({ ...place, table: newTableName() }));
        for (const { database, ...options } of lives) await live(databases[database]!, options);
        const last = databases[lives.at(-1)!.database]!;
        await live(last, {});
        await assertExactlyOnce(last, 'dead-letter');
        for (const database of databases)
          assert.ok([...(await findAll(database)).rows.values()].every((count) => count === 1));
      }),
      { numRuns: 12 },
    );
  });

  test('a batch that was interrupted before the database changed is done again as it was (D3)', async () => {
    const { calls, landed } = await land(await placeOf(mixed));
    assert.ok(landed.length > 1);
    for (const [call, name] of calls.names.entries()) {
      if (!['commit rows', 'put object', 'append dead letters', 'commit checkpoint'].includes(name)) continue;
      const interrupted = { ...(await placeOf(mixed)), table: newTableName() };
      await live(interrupted, { faults: [{ call, how: 'crash after' }] });
      const moved = { ...interrupted, table: newTableName() };
      await land(moved, { maxBatchBytes: 6_000 }); // batches that would reach beyond where the crash came
      await assertExactlyOnce(moved, 'dead-letter', `crash after ${name}, call ${call}`);
    }
  });

  test('rows without a checkpoint are not doubled: CHECKPOINT_LOST, until table or checkpoint is mended (D3)', async () => {
    const place = await placeOf(mixed);
    await land(place);
    const moved = { ...place, warehouse: other.warehouse };
    const { pool } = other.warehouse;
    await pool.query(`CREATE TABLE ${place.table} (timestamp_stamp timestamptz NOT NULL, message_id_stamp uuid NOT NULL,
      type text NOT NULL, data jsonb NOT NULL) PARTITION BY RANGE (timestamp_stamp)`);
    await pool.query(`CREATE TABLE ${place.table}_2026_01 PARTITION OF ${place.table}
      FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')`);
    const [{ id } = { id: '' }] = place.events;
    await pool.query(`INSERT INTO ${place.table} VALUES ('2026-01-01 00:00:00+00', '${uuidOf(id)}', 'x', '{}')`);
    const life = await startLife(moved);
    while (life.failures.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await life.drain();
    for (const failure of life.failures) assert.ok(isFault(failure, 'CHECKPOINT_LOST'), String(failure));
    assert.equal((await findAll(moved)).rows.size, 1);
    await pool.query(`DROP TABLE ${place.table}`);
    await land(moved);
    await assertExactlyOnce(moved, 'dead-letter');
  });

  test('an owner that opens while another lands does not take the table for one that is behind (D3)', async () => {
    const place = await placeOf(mixed);
    const opened = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const slow = await startLife(place, {
      afterOpen: () => {
        opened.resolve();
        return held.promise;
      },
    });
    await opened.promise;
    const quick = await startOn(place, slow);
    await quick.caughtUp();
    held.resolve();
    while (slow.failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(isFault(slow.failures[0], 'CHECKPOINT_STALE'), String(slow.failures[0]));
    await quick.drain();
    await slow.drain();
    assert.deepEqual([...slow.notices, ...quick.notices], []);
    await assertExactlyOnce(place, 'dead-letter');
  });
});
