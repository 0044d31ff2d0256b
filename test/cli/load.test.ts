/** `tributary load`: files into a running server, all rows or none, and once however often the command runs (D7). */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, suite, test, type TestContext } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Client, Pool } from 'pg';
import { freePort } from '../../src/services/free-ports.ts';
import { newDatabase, type TestDatabase } from '../../src/testing/postgres.ts';
import { wholeDump } from '../dataset/dumps.ts';
import { bulkClient } from '../support/bulk-server.ts';
import { cleanEnvironment, type Program, scratch, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';
import { type CliOptions, type CliResult, cli, root, sourceProgram } from './run-cli.ts';

const path = '/rates/batches';
const csv = (rows: number): string => 'AAAAA,BBBBB,2021-01-01,100\n'.repeat(rows);

suite('tributary load', { timeout: 240_000 }, () => {
  let dir: string;
  let database: TestDatabase;
  let pool: Pool;
  let port: number;
  let program: Program;
  const closing: (() => Promise<void>)[] = [];

  const start = async (): Promise<void> => {
    const args = ['--only', 'rates', '--port', String(port)];
    program = await startProgram({ dataDir: join(dir, 'data'), env: { DATABASE_URL: database.url }, args });
    const { status } = bulkClient(program.url, path);
    await until(async () => (await status('x')).status === 404); // the warehouse is up
  };
  before(async () => {
    dir = await scratch({ after: (fn) => void closing.push(fn) });
    database = await newDatabase();
    pool = new Pool({ connectionString: database.url });
    pool.on('error', () => undefined);
    await writeFile(join(dir, 'rates.sql'), wholeDump);
    const init = await cli(['rates', 'init', '--dump', 'rates.sql'], { cwd: dir, env: { DATABASE_URL: database.url } });
    assert.equal(init.code, 0, init.stderr);
    port = await freePort();
    await start();
    await bulkClient(program.url, path).send('no row'); // makes the table of statuses
  });
  after(async () => {
    await program.kill('SIGKILL');
    await pool.end();
    await database.drop();
    for (const close of closing) await close();
  });
  beforeEach(() => pool.query('TRUNCATE prices'));

  const count = async (): Promise<number> => (await pool.query('SELECT FROM prices')).rowCount ?? -1;
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(dir, name), content);
    return name;
  };
  const load = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
    cli(['load', 'rates', ...args, '--to', program.url], { cwd: dir, ...options });
  /** No rows go in until they are released, which is at the end of the test. */
  const lockPrices = async (t: TestContext): Promise<() => Promise<void>> => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    t.after(() => client.end());
    await client.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    return async () => void (await client.query('ROLLBACK'));
  };
  const statesOf = async (key: string): Promise<readonly unknown[]> =>
    (
      await pool.query<{ state: string }>(
        'SELECT state FROM tributary_batches WHERE idempotency_key = $1 ORDER BY received_at',
        [key],
      )
    ).rows.map(({ state }) => state);

  test('D7: a file goes in once, however often; another --key loads it once more', async () => {
    const name = await file('once.csv', csv(1_000));
    const first = await load([name]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^Loaded 1000 rows in [\d.]+ s \(\d+ rows\/s\), batch [0-9a-f-]{36}\.\n$/);
    assert.equal(first.stderr, ''); // no bar where nobody looks
    const again = await load([await file('renamed.csv', csv(1_000))]);
    assert.deepEqual([again.code, await count()], [0, 1_000]);
    assert.match(again.stdout, /^Nothing to do: these 1000 rows are in since batch/);
    const more = await load([name, '--key', 'more', '--json']);
    const told = JSON.parse(more.stdout) as Record<string, unknown>;
    assert.deepEqual(
      [told['state'], told['rows'], told['isRepeated'], told['isDryRun'], told['key'], told['errorCount']],
      ['committed', 1_000, false, false, 'more', 0],
    );
    assert.equal(await count(), 2_000);
    const other = await load([await file('other.csv', csv(3)), '--key', 'more']);
    assert.deepEqual([other.code, await count()], [1, 2_000]);
    assert.match(other.stderr, /^error: batch .* went in under this Idempotency-Key with other rows\./);
  });

  test('D7: after `rates init --replace`, which has taken its rows away, a file goes in again', async () => {
    const name = await file('replaced.csv', csv(5));
    const first = await load([name, '--key', 'replaced']);
    const [id = ''] = /[0-9a-f-]{36}/.exec(first.stdout) ?? [];
    const env = { DATABASE_URL: database.url };
    const init = await cli(['rates', 'init', '--replace', '--dump', 'rates.sql'], { cwd: dir, env });
    assert.deepEqual([init.code, await count()], [0, 3], init.stderr);
    const again = await load([name, '--key', 'replaced']);
    assert.match(again.stdout, /^Loaded 5 rows/, again.stderr);
    assert.equal(await count(), 8);
    assert.equal((await bulkClient(program.url, path).status(id)).answer.state, 'committed'); // as it was
    assert.match((await load([name, '--key', 'replaced'])).stdout, /^Nothing to do/);
  });

  test('D7: with bad rows nothing is in: the errors are a table, all are counted, exit code 1', async () => {
    const name = await file(
      'bad.csv',
      `${csv(2)}AAAAA,NONE,2021-01-01,1\n${'AAAAA,BBBBB,2021-02-30,\u001B[2J\n'.repeat(150)}`,
    );
    for (const args of [[name], [name, '--dry-run']]) {
      const ran = await load(args);
      assert.equal(ran.code, 1);
      const lines = ran.stdout.split('\n');
      assert.deepEqual(
        lines.slice(0, 3).map((line) => line.trim()),
        [
          'line  field      value       reason',
          '3  dest_code  NONE        not in ports.code',
          '4  day        2021-02-30  expected a day of the calendar, as YYYY-MM-DD',
        ],
      );
      assert.equal(lines.length, 102);
      assert.ok(!ran.stdout.includes('\u001B'));
      assert.match(ran.stderr, /^error: nothing .*: its 153 rows have 301 errors; the first 100 are above\./);
    }
    const json = await load([name, '--json']);
    const told = JSON.parse(json.stdout) as { state: string; errorCount: number; errors: unknown[] };
    assert.deepEqual([json.code, told.state, told.errorCount, told.errors.length], [1, 'rejected', 301, 100]);
    assert.equal(await count(), 0);
  });

  test('a dry run says what would go in, and leaves the file to be loaded', async () => {
    const name = await file('dry.csv', csv(50));
    const dry = await load([name, '--dry-run']);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^All 50 rows would go in; .* nothing was loaded\.\n$/);
    assert.equal(await count(), 0);
    assert.equal((await load([name])).code, 0);
    assert.equal(await count(), 50);
  });

  test('a file is what its name says, or the options, or its first character', async () => {
    const row = '{"orig_code":"AAAAA","dest_code":"BBBBB","day":"2021-01-01","price":7}';
    for (const [name, content, ...args] of [
      ['a.ndjson.gz', gzipSync(`${row}\n${row}\n`)],
      ['b.json.br', brotliCompressSync(`[${row}, ${row}]`)],
      ['c.CSV.zst', zstdCompressSync(csv(2))],
      ['d', `${row}\n${row}`],
      ['e.data', gzipSync(csv(2)), '--content-encoding', 'gzip', '--content-type', 'text/csv; header=absent'],
      ['f.gz', csv(2), '--content-encoding', 'identity'],
    ] as const) {
      const ran = await load([await file(name, content), '--key', name, ...args]);
      assert.match(ran.stdout, /^Loaded 2 rows/, `${name}: ${ran.stderr}`);
    }
    const piped = await load(['-'], { input: csv(3) });
    assert.match(piped.stdout, /^Loaded 3 rows/);
    const [, key = ''] = /--key ([0-9a-f-]{36})\n$/.exec(piped.stderr) ?? [];
    assert.match((await load(['-', '--key', key], { input: csv(3) })).stdout, /^Nothing to do/);
    assert.equal(await count(), 15);
  });

  test('D7: interrupted while it sends: nothing is in, exit code 130', async () => {
    const args = ['load', 'rates', '-', '--key', 'sending', '--to', program.url];
    const child = spawn(process.execPath, [sourceProgram, ...args], { env: cleanEnvironment() });
    child.stdin.write(csv(20)); // the rest does not come
    await until(async () => (await statesOf('sending'))[0] === 'receiving');
    child.kill('SIGINT');
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.deepEqual([code, stderr], [130, 'Interrupted: nothing is in.\n']);
    assert.deepEqual([await statesOf('sending'), await count()], [['rejected'], 0]);
  });

  test('D7: interrupted while all waits to go in: nothing is in', async (t) => {
    const name = await file('waiting.csv', csv(20));
    const release = await lockPrices(t);
    let child: ChildProcessWithoutNullStreams | undefined;
    const running = load([name, '--key', 'waiting'], { onSpawn: (spawned) => (child = spawned) });
    await until(async () => (await statesOf('waiting'))[0] === 'validating');
    child!.kill('SIGINT');
    const ran = await running;
    assert.deepEqual([ran.code, ran.stderr], [130, 'Interrupted: nothing is in.\n']);
    assert.deepEqual(await statesOf('waiting'), ['rejected']);
    await release();
    assert.equal(await count(), 0);
  });

  test('D7: killed and run again it goes in once; the first is waited for', async (t) => {
    const name = await file('killed.csv', csv(30));
    const release = await lockPrices(t);
    let child: ChildProcessWithoutNullStreams | undefined;
    const killed = load([name, '--key', 'killed'], { onSpawn: (spawned) => (child = spawned) });
    await until(async () => (await statesOf('killed'))[0] === 'validating');
    child!.kill('SIGKILL');
    assert.equal((await killed).signal, 'SIGKILL');
    let told = '';
    const again = load([name, '--key', 'killed'], {
      onSpawn: ({ stderr }) => stderr.on('data', (some: string) => (told += some)),
    });
    await until(() => told.includes('sending again: '));
    await release();
    const ran = await again;
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /^sending again: batch .* has the Idempotency-Key and is validating\n$/);
    assert.match(ran.stdout, /^Nothing to do: these 30 rows are in since batch/);
    assert.deepEqual([await count(), await statesOf('killed')], [30, ['committed']]);
  });

  test('D7: the server is killed while it loads, and comes again: the file is sent again, and is in once', async (t) => {
    const name = await file('restarted.csv', csv(40));
    const release = await lockPrices(t);
    const running = load([name, '--key', 'restarted']);
    await until(async () => (await statesOf('restarted'))[0] === 'validating');
    await program.kill('SIGKILL');
    await release();
    await start();
    const ran = await running;
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /^sending again: http:\/\/localhost:\d+ did not answer: /);
    assert.equal(await count(), 40);
  });

  test('interrupted when all is in, or when nobody can tell, it says so', async (t) => {
    let status: object | undefined = { batch_id: 'b-1', state: 'committed', rows: 1 };
    const slow = createServer((request, response) => {
      if (request.method !== 'GET') return request.resume(); // and no answer
      return status ? response.end(JSON.stringify(status)) : response.destroy();
    });
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    t.after(() => slow.close());
    const to = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    for (const expected of [
      /^Interrupted: too late, the batch is in \(b-1\)\.\n$/,
      /^Interrupted: whether it is in cannot be told \(.*\); with --key late it goes in once, however often\.\n$/,
    ]) {
      const received = once(slow, 'checkContinue').then(([, response]) => (response as ServerResponse).writeContinue());
      let child: ChildProcessWithoutNullStreams | undefined;
      const args = ['load', 'rates', await file('late.csv', csv(1)), '--key', 'late', '--to', to];
      const running = cli(args, { cwd: dir, onSpawn: (spawned) => (child = spawned) });
      await received;
      child!.kill('SIGINT');
      const ran = await running;
      assert.equal(ran.code, 130);
      assert.match(ran.stderr, expected);
      status = undefined;
    }
  });

  test('D7: interrupted while it waits for another command that has its key: that one goes in', async () => {
    const name = await file('two.csv', csv(25));
    const blocker = await pool.connect();
    await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    const first = load([name]);
    const validating = async () => pool.query(`SELECT FROM tributary_batches WHERE rows = 25 AND state = 'validating'`);
    await until(async () => (await validating()).rowCount === 1);
    const second = load([name], {
      onSpawn: (child) => child.stderr.once('data', () => child.kill('SIGINT')), // sending again: ... has the key
    });
    const ran = await second;
    assert.equal(ran.code, 130);
    assert.match(
      ran.stderr,
      /\nInterrupted: nothing was sent; another command's batch [0-9a-f-]{36} has the key, and goes on\.\n$/,
    );
    await blocker.query('ROLLBACK');
    blocker.release();
    assert.equal((await first).code, 0);
    assert.equal(await count(), 25);
  });

  test('D7: a file that changes after its key was made does not go in under that key', async (t) => {
    const name = await file('changing.csv', csv(10));
    let isWhole: boolean | undefined;
    const server = createServer();
    server.on('checkContinue', (request, response) => {
      appendFileSync(join(dir, name), csv(1));
      request.on('end', () => response.writeHead(201).end('{}'));
      request.on('close', () => (isWhole = request.complete)).resume();
      response.writeContinue();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ran = await cli(['load', 'rates', name, '--to', to], { cwd: dir });
    assert.equal(ran.code, 2, ran.stdout);
    assert.match(ran.stderr, /^error: changing\.csv cannot be read to its end: it has changed since its key was made/);
    await until(() => isWhole !== undefined);
    assert.equal(isWhole, false);
  });

  test('what was not asked for is not sent: a server that refuses gets no byte of the body', async (t) => {
    let bytes = 0;
    const refusing = createServer();
    refusing.on('checkContinue', (request, response) => {
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.writeHead(401).end('{"error":"KEY_REQUIRED","message":"a key is needed"}');
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    t.after(() => refusing.close());
    const to = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const ran = await cli(['load', 'rates', await file('unsent.csv', csv(10)), '--to', to], { cwd: dir });
    assert.deepEqual([ran.code, bytes], [1, 0]);
    assert.match(ran.stderr, /^error: a key is needed\. Send "Authorization: Bearer <key>"/);
  });

  test(
    'on a terminal a bar shows rows, rate and phase',
    { skip: spawnSync('script', ['-V']).error && 'needs script(1)' },
    async () => {
      const blocker = await pool.connect();
      await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
      const name = await file('bar.csv', csv(60));
      let shown = '';
      const inTerminal = `"${process.execPath}" "${sourceProgram}" load rates ${name} --key bar --to ${program.url}`;
      const running = cli(['-qec', inTerminal, '/dev/null'], {
        cwd: dir,
        command: ['script'],
        onSpawn: ({ stdout }) => stdout.on('data', (some: string) => (shown += some)),
      });
      await until(() => shown.includes('validating | 60 rows | '));
      assert.match(shown, /100% \| validating \| 60 rows \| \d+ rows\/s \| 1\.6 KiB/);
      await blocker.query('ROLLBACK');
      blocker.release();
      const { code } = await running;
      assert.deepEqual([code, await count()], [0, 60]);
    },
  );

  test('wrong usage is told before anything is sent: exit code 2; a server that is not there: 1', async () => {
    const name = await file('usage.csv', csv(1));
    for (const [args, message] of [
      [['load', 'rates', 'none.csv'], /none\.csv cannot be read \(ENOENT\)/],
      [['load', 'rates', root], /is a directory/],
      [['load', 'collect', name], /no system "collect" takes batches; these do: rates/],
      [['load', 'rates', name, '--key', 'a b'], /--key: expected/],
      [['load', 'rates', name, '--to', 'there'], /--to: expected a URL/],
    ] as const) {
      const ran = await cli(args, { cwd: dir });
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, message);
    }
    const nobody = await cli(['load', 'rates', name, '--to', 'http://127.0.0.1:1'], { cwd: dir });
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /^error: http:\/\/127\.0\.0\.1:1 did not answer: .*ECONNREFUSED/);
    await pool.query('ALTER TABLE prices RENAME TO others');
    const missing = await load([name]);
    assert.deepEqual(
      [missing.code, missing.stderr],
      [1, 'error: table prices is not there. Load it: tributary rates init loads those of rates.\n'],
    );
    await pool.query('ALTER TABLE others RENAME TO prices');
    assert.equal(await count(), 0);
  });
});
