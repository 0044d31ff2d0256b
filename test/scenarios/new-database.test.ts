/** The database is changed under a data directory that has landed in another one: what the log has lands there too, once (D3). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, objectsOf, rowsOf } from '../support/landed.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { runProgram, scratch, startFor } from '../support/program.ts';

/** The last is valid until the processor sees that an id is none. */
const events = [...Array.from({ length: 50 }, () => collectEvent()), collectEvent({ accountId: 'no id' })];
const counts = 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events';

suite('a new database', { timeout: 240_000 }, () => {
  test('lag --wait does not take a checkpoint for the truth before its processor has opened its sinks (D3)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const first = await startFor(t, { dataDir });
    await taken(first.url, packageOf(events));
    await caughtUp(dataDir);
    await first.kill('SIGTERM');
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const second = await startFor(t, { dataDir, env });
    const waited = await runProgram(['lag', '--wait', '--timeout', '1', '--data-dir', dataDir], env);
    assert.equal(waited.code, 1, waited.stdout);
    assert.match(waited.stderr, /^error: not caught up after 1 s: the sinks of collect have not been opened yet\.\n$/);
    assert.match(waited.stdout, /^collect .* 0 +opening +0$/m);
    assert.match((await runProgram(['status', '--data-dir', dataDir], env)).stdout, /^collect .* 0 +opening/m);
    assert.equal(await second.kill('SIGTERM'), 0);
    const third = await startFor(t, { dataDir });
    await caughtUp(dataDir);
    assert.equal(await third.kill('SIGTERM'), 0);
  });

  test('gets every event of the log once; objects and dead letters stay as they are; then it goes on (D2, D3)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const first = await startFor(t, { dataDir });
    await taken(first.url, packageOf(events));
    await caughtUp(dataDir);
    await first.kill('SIGTERM');
    const objects = await objectsOf(dataDir);
    const letters = await deadLettersOf(dataDir);
    assert.equal(letters.length, 1);

    const postgres = await startPostgresServer();
    t.after(() => postgres.stop());
    const env = { DATABASE_URL: postgres.url };
    const second = await startFor(t, { dataDir, env });
    await caughtUp(dataDir, env); // it does not take the checkpoint's word before the processor has
    assert.match(second.log(), /events: the database is behind the log .*; offsets 0 to 51 land again"/);
    assert.deepEqual(await rowsOf(dataDir, counts, env), [{ n: 50, ids: 50 }]);
    assert.deepEqual(await objectsOf(dataDir), objects);
    assert.deepEqual(await deadLettersOf(dataDir), letters);

    await taken(second.url, packageOf(events));
    await caughtUp(dataDir, env);
    assert.deepEqual(await rowsOf(dataDir, counts, env), [{ n: 100, ids: 100 }]);
    assert.equal(await second.kill('SIGTERM'), 0);

    // Back to the one before, which has not got what came meanwhile.
    const third = await startFor(t, { dataDir });
    await caughtUp(dataDir);
    assert.deepEqual(await rowsOf(dataDir, counts), [{ n: 100, ids: 100 }]);
    assert.equal(await third.kill('SIGTERM'), 0);
  });
});
