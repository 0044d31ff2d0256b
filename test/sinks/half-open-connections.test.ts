/** Connections to PostgreSQL whose other end is gone without a word: noticed in time, and nothing is lost or twice. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { isFault } from '../../src/errors.ts';
import { createPostgresSink } from '../../src/sinks/postgres/postgres-sink.ts';
import { lend, withAnswersWithin } from '../../src/stores/warehouse/connection-pool.ts';
import { openServerWarehouse } from '../../src/stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { batchOf, idsOf, land, newPartition } from '../contracts/sink.ts';
import { pricesBulk, serveBulk, tables } from '../support/bulk-server.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../support/postgres-server.ts';
import { landedIn, tableOf } from '../support/table-events.ts';

const statementTimeoutMs = 2_000;
const rounds = 8;
const vanish = { kind: 'vanish' } as const;

suite('half-open connections', { timeout: 120_000 }, () => {
  let server: OwnPostgresServer;
  let proxy: FaultyProxy;
  let warehouse: Warehouse;
  before(async () => {
    server = await ownPostgresServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    proxy = await startFaultyProxy(server.url);
    const url = new URL(server.url);
    url.port = new URL(proxy.url).port;
    warehouse = await openServerWarehouse({ url: url.href });
  });
  afterEach(async () => {
    await warehouse.close();
    await proxy.close();
  });

  test('an idle one is noticed before it is lent', async () => {
    const [one, two] = [await warehouse.pool.connect(), await warehouse.pool.connect()];
    one.release();
    two.release();
    proxy.next(vanish, vanish);
    const lent = await lend(warehouse.pool, 0, 200);
    assert.equal(proxy.faults, 2);
    assert.deepEqual((await lent.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
    lent.release();
  });

  test('a query that is answered in time, or ends by an error, leaves the connection as it was', async () => {
    const client = await warehouse.pool.connect();
    for (let i = 0; i < 2; i++)
      await withAnswersWithin(client, 1_000, async () => {
        for (let slow = 0; slow < 3; slow++) await client.query('SELECT pg_sleep(0.4)');
        await assert.rejects(client.query('SELECT 1 / 0'), /division by zero/);
      });
    await client.query('SELECT pg_sleep(1.5)');
    client.release();
  });

  test('D7: a batch goes in, and its status is told, where the connections of before are gone', async (t) => {
    await warehouse.pool.query(tables);
    const bulkServer = await serveBulk(t, warehouse, pricesBulk());
    const later = t.mock.method(performance, 'now', performance.now.bind(performance)).mock;
    const hour = performance.now() + 3_600_000;
    later.mockImplementation(() => hour); // what is in the pool has been idle for so long
    proxy.next(vanish);
    const { status, answer } = await bulkServer.send('AAAAA,BBBBB,2021-01-01,1\n');
    assert.deepEqual([status, proxy.faults], [201, 1]);
    await warehouse.pool.query('SELECT');
    later.mockImplementation(() => 2 * hour);
    proxy.next(vanish);
    assert.equal((await bulkServer.status(answer.batch_id)).answer.state, 'committed');
    assert.equal(proxy.faults, 2);
  });

  test('D3: whatever of a batch is under way when it vanishes, the batch lands once, soon after', async (t) => {
    const definition = tableOf('vanishing');
    const sink = createPostgresSink({ warehouse, logId: 'log', pipeline: 'test', definition, statementTimeoutMs });
    const at = newPartition();
    const batchSize = 6_000; // COPY goes in several writes
    const partition = await sink.open(at);
    let next = 0;
    let failed = 0;
    let slowestMs = 0;
    for (let round = 0; round < rounds; round++) {
      const batch = batchOf(at, next, next + batchSize);
      const landing = land(partition, batch).then(
        () => undefined,
        (error: unknown) => error,
      );
      await sleep(round * 4); // at one point or another: before, in or behind COPY
      const startedMs = performance.now();
      proxy.next(vanish);
      const error = await landing;
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      proxy.clear();
      if (error !== undefined) {
        assert.ok(isFault(error, 'WAREHOUSE_UNAVAILABLE'), inspect(error));
        failed += 1;
        await land(partition, batch); // what its transaction holds is let go
      }
      next += batchSize;
    }
    t.diagnostic(`${failed} of ${rounds} failed, the slowest after ${slowestMs.toFixed(0)} ms`);
    assert.ok(failed >= 2, `only ${failed} failed`);
    assert.ok(slowestMs < 4 * statementTimeoutMs, `${slowestMs} ms`);
    assert.deepEqual(await landedIn(warehouse, 'vanishing', at), idsOf(batchOf(at, 0, next)));
  });
});
