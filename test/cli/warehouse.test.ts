/** `tributary warehouse grants`: what it prints is enough for the whole program, from the first start to a replay. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { bulkClient } from '../support/bulk-server.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { query, startPostgresServer } from '../support/postgres-server.ts';
import { runProgram, scratch, startFor } from '../support/program.ts';
import { until } from '../support/until.ts';

/** A database where nobody may anything, and the URL of a role in it once an administrator has run what is printed; and theirs. */
async function granted(t: TestContext, args: readonly string[]): Promise<{ role: string; admin: string }> {
  const server = await startPostgresServer();
  t.after(() => server.stop());
  await query(server.url, "CREATE ROLE ingest LOGIN PASSWORD 'secret'");
  await query(server.url, 'REVOKE ALL ON SCHEMA public FROM PUBLIC');
  await query(server.url, 'REVOKE ALL ON DATABASE postgres FROM PUBLIC');
  const url = new URL(server.url);
  url.username = 'ingest';
  url.password = 'secret';
  const env = { DATABASE_URL: url.href };
  const printed = await runProgram(['warehouse', 'grants', ...args], env);
  assert.equal(printed.code, 0, printed.stderr);
  assert.ok(!printed.stdout.includes('secret'));
  await query(server.url, printed.stdout);
  return { role: url.href, admin: server.url };
}

suite('tributary warehouse grants', { timeout: 280_000 }, () => {
  for (const args of [
    [],
    ['--schema', 'lake'],
    ['--prepared', '--months', '2026-10..2026-12'],
    ['--prepared', '--schema', 'lake', '--months', '2026-11..2026-11'],
  ])
    test(`start, landing and replay work with what it prints: ${args.join(' ')} (D3, D9)`, async (t) => {
      const env = { DATABASE_URL: (await granted(t, args)).role };
      const dataDir = join(await scratch(t), 'data');
      const program = await startFor(t, { dataDir, env });
      await taken(program.url, packageOf(Array.from({ length: 30 }, () => collectEvent())));
      await caughtUp(dataDir, env);
      const replayed = await runProgram(['replay', 'collect', '--from', 'start', '--wait', '--data-dir', dataDir], env);
      assert.equal(replayed.code, 0, replayed.stderr);
      const counts = 'SELECT count(*) AS n, count(DISTINCT correlation_id) AS ids FROM events';
      assert.deepEqual(await rowsOf(dataDir, counts, env), [{ n: 30, ids: 30 }]);
      assert.equal(await program.kill('SIGTERM'), 0);
    });

  for (const args of [[], ['--prepared'], ['--prepared', '--schema', 'lake']])
    test(`tables of an app and batches into them work with what it prints: ${args.join(' ')} (D7)`, async (t) => {
      const { role, admin } = await granted(t, args);
      const env = { DATABASE_URL: role };
      const dir = await scratch(t);
      if (args.length === 0)
        assert.equal((await runProgram(['rates', 'init', '--prices', '0', '--data-dir', dir], env)).code, 0);
      const insert = `INSERT INTO regions VALUES ('all', 'All', NULL); INSERT INTO ports VALUES ('AAAAA', 'A', 'all'), ('BBBBB', 'B', 'all')`;
      await query(
        args.length === 0 ? role : admin,
        args.includes('lake') ? `SET search_path = lake; ${insert}` : insert,
      );
      const program = await startFor(t, { dataDir: join(dir, 'data'), env, args: ['--only', 'rates'] });
      const { send, status } = bulkClient(program.url, '/rates/batches');
      await until(async () => (await status('x')).status === 404); // the warehouse is up
      const rows = 'AAAAA,BBBBB,2021-01-01,100\n'.repeat(3);
      const csv = { 'content-type': 'text/csv' };
      assert.equal((await send(rows, csv, '?dry_run=true')).status, 200);
      assert.equal((await send(rows)).status, 201);
      assert.equal((await send('AAAAA,NONE,2021-01-01,1\n')).status, 422);
      const asked = 'date_from=2021-01-01&date_to=2021-01-01&orig_code=all&dest_code=BBBBB';
      const { text } = await httpRequest(`${program.url}/rates?${asked}`);
      assert.equal(text, '{"rates":[{"count":3,"day":"2021-01-01","price":100}]}');
      assert.doesNotMatch(program.log(), /old statuses of batches are kept/);
      assert.equal(await program.kill('SIGTERM'), 0);
    });

  test('where nodes share a log, keyed state is among what is made, and only there', async (t) => {
    const server = await startPostgresServer();
    t.after(() => server.stop());
    const args = ['warehouse', 'grants', '--prepared', '--role', 'ingest'];
    const printed = await runProgram(args, { DATABASE_URL: server.url, KAFKA_BROKERS: 'localhost:9092' });
    await query(server.url, `CREATE ROLE ingest; ${printed.stdout}`);
    const allowed = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map(
      (privilege) => `SELECT 1 / has_table_privilege('ingest', 'tributary_state', '${privilege}')::int`,
    );
    await query(server.url, allowed.join('; '));
    assert.doesNotMatch((await runProgram(args, { DATABASE_URL: server.url })).stdout, /tributary_state/);
  });

  test('of an environment they are for its schema, and leave what the role has by default as it is', async () => {
    const args = ['warehouse', 'grants', '--env', 'staging-a', '--role', 'ingest'];
    const { stdout, stderr } = await runProgram(args, { DATABASE_URL: 'postgres://me@db/lake' });
    assert.match(stdout, /GRANT USAGE, CREATE ON SCHEMA "env_staging_a" TO "ingest"/, stderr);
    assert.doesNotMatch(stdout, /ALTER ROLE/);
  });

  test('says what it needs to be told', async () => {
    const cases: [readonly string[], RegExp][] = [
      [[], /neither --role nor DATABASE_URL says which role/],
      [['--role', 'a'], /neither --database nor DATABASE_URL/],
      [['--role', 'a', '--database', ''], /--database is no name/],
      [['--role', 'a', '--database', 'b', '--months', '2026-01..2026-02'], /--months goes with --prepared/],
      [['--prepared', '--months', '2026-13..2027-01'], /Expected months such as/],
      [['--prepared', '--months', '2026-02..2026-01'], /Expected months such as/],
      [['--prepared', '--months', '0001-01..9999-12'], /Expected months such as/],
    ];
    for (const [args, message] of cases) {
      const ran = await runProgram(['warehouse', 'grants', ...args]);
      assert.deepEqual([ran.code, ran.stdout], [2, ''], ran.stderr);
      assert.match(ran.stderr, message);
    }
  });
});
