/** A PostgreSQL server by URL that goes away under traffic, also in the middle of a COPY: nothing is lost, nothing is there twice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf, rowsOf } from '../support/landed.ts';
import { ownPostgresServer } from '../support/postgres-server.ts';
import { scratch, startFor } from '../support/program.ts';
import { until } from '../support/until.ts';
import { untilAnswered } from '../support/until-answered.ts';

const eventsAPackage = 100;
/** Between packages: traffic, not a benchmark. */
const pauseMs = 20;
const body = packageOf(Array.from({ length: eventsAPackage }, () => collectEvent()));

async function countIn(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: string }>('SELECT count(*) AS n FROM events');
    return Number(rows[0]?.n);
  } finally {
    await client.end();
  }
}

suite('a PostgreSQL server that goes away', { timeout: 180_000 }, () => {
  test('D2, D3: shut down and killed under traffic, cut off in the middle of a COPY: each event lands once', async (t) => {
    const server = await ownPostgresServer();
    t.after(() => server.stop());
    const proxy = await startFaultyProxy(server.url);
    t.after(() => proxy.close());
    const through = new URL(server.url);
    through.port = new URL(proxy.url).port;
    const env = { DATABASE_URL: through.href };
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir, env });

    const ids: string[] = [];
    const sending = new AbortController();
    const send = async (): Promise<void> => {
      for (; !sending.signal.aborted; await sleep(pauseMs)) ids.push((await taken(program.url, body)).packageId);
    };
    const sent = Promise.all([send(), send()]);
    let before = 0;
    /** Resolves when more rows are there than the time before. */
    const landsMore = (): Promise<boolean> =>
      untilAnswered(async () => {
        const landed = await countIn(server.url);
        assert.ok(landed > before);
        before = landed;
        return true;
      });
    await landsMore();
    for (const how of ['SIGKILL', 'shutdown', 'SIGKILL'] as const) {
      const faults = proxy.faults;
      proxy.next({ kind: 'cut request', afterBytes: 50_000 }); // the checkpoint is asked for in less: this is a COPY
      await until(() => proxy.faults > faults);
      await server.halt(how);
      const already = ids.length;
      await until(() => ids.length > already + 5); // packages are taken all the while
      await server.start();
      await landsMore();
    }
    sending.abort();
    await sent;
    await caughtUp(dataDir, env, 100);
    const n = ids.length * eventsAPackage;
    t.diagnostic(`${n} events`);
    assert.deepEqual(
      await rowsOf(dataDir, 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events', env),
      [{ n, ids: n }],
    );
    assert.equal((await eventLinesOf(dataDir)).size, n);
    assert.equal(await program.kill('SIGTERM'), 0);
  });
});
