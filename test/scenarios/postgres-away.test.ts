/** A PostgreSQL server by URL that goes away under traffic, also in the middle of a COPY: nothing is lost, nothing is there twice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf, rowsOf } from '../support/landed.ts';
import { ownPostgresServer } from '../support/postgres-server.ts';
import { scratch, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';

const body = packageOf(Array.from({ length: 500 }, () => collectEvent()));

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
    const program = await startProgram({ dataDir, env });
    t.after(() => void program.child.kill('SIGKILL'));

    const ids: string[] = [];
    let isSending = true;
    const send = async (): Promise<void> => {
      while (isSending) ids.push((await taken(program.url, body)).packageId);
    };
    const sending = Promise.all([send(), send()]);
    const landed = async (): Promise<number> => {
      const [row] = await rowsOf<{ n: number }>(dataDir, 'SELECT count(*) AS n FROM events', {
        DATABASE_URL: server.url,
      });
      return Number(row?.n);
    };
    await until(async () => (await landed().catch(() => 0)) > 0);
    for (const how of ['SIGKILL', 'shutdown', 'SIGKILL'] as const) {
      const faults = proxy.faults;
      proxy.next({ kind: 'cut request', afterBytes: 50_000 }); // the checkpoint is asked for in less: this is a COPY
      await until(() => proxy.faults > faults);
      await server.halt(how);
      const sent = ids.length;
      await until(() => ids.length > sent + 5); // packages are taken all the while
      await server.start();
      const before = await landed();
      await until(async () => (await landed()) > before);
    }
    isSending = false;
    await sending;
    await caughtUp(dataDir, env, 100);
    const n = ids.length * 500;
    t.diagnostic(`${n} events`);
    assert.deepEqual(
      await rowsOf(dataDir, 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events', env),
      [{ n, ids: n }],
    );
    assert.equal((await eventLinesOf(dataDir)).size, n);
    assert.equal(await program.kill('SIGTERM'), 0);
  });
});
