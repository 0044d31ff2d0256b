/** Environments on this machine: ten side by side, each with a port and data of its own; what is said of them is true, also of killed ones. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { makeUser } from '../../apps/cards/made-events.ts';
import { Random } from '../../apps/random.ts';
import type { StatusAnswer } from '../../src/api/admin/status.ts';
import { wholeDump } from '../dataset/dumps.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { socketDirectoryOf } from '../../src/stores/warehouse/embedded/socket-directory.ts';
import { killEnvironments } from '../support/environments.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { type Ran, runProgram, scratch } from '../support/program.ts';
import { until } from '../support/until.ts';

interface Listed {
  readonly name: string;
  readonly state: 'running' | 'changing' | 'stopped';
  readonly port: number | null;
  readonly url: string | null;
  readonly pid: number | null;
  readonly dataBytes: number;
  readonly startedAt: string | null;
}

interface Root {
  readonly dir: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  list(): Promise<readonly Listed[]>;
  find(name: string): Promise<Listed | undefined>;
  dataDirOf(name: string): string;
}

const side = Array.from({ length: 10 }, (_, i) => `side-${i}`);

/** What runs on it is killed after the test. */
async function newRoot(t: TestContext): Promise<Root> {
  t.after(() => killEnvironments(dir));
  const dir = join(await scratch(t), 'data'); // removed after that
  const run: Root['run'] = (args, env = {}) => runProgram([...args, '--data-dir', dir], env);
  const list: Root['list'] = async () => {
    const { code, stdout, stderr } = await run(['env', 'list', '--json']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Listed[];
  };
  return {
    dir,
    run,
    list,
    find: async (name) => (await list()).find((one) => one.name === name),
    dataDirOf: (name) => join(dir, 'environments', name),
  };
}

async function up(root: Root, name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await root.run(['env', 'up', name, ...args]);
  assert.equal(code, 0, stderr);
  const url = /http:\S+/.exec(stdout)?.[0];
  assert.ok(url, stdout);
  return url;
}

async function rowsIn(root: Root, name: string): Promise<number> {
  await caughtUp(root.dataDirOf(name));
  const [row] = await rowsOf<{ n: number }>(root.dataDirOf(name), 'SELECT count(*)::integer AS n FROM events');
  return row!.n;
}

async function ingested(url: string): Promise<number> {
  const { events } = JSON.parse((await httpRequest(`${url}/admin/status`)).text) as StatusAnswer;
  return events.reduce((sum, one) => sum + one.ingested, 0);
}

suite('environments', { timeout: 600_000, concurrency: false }, () => {
  test('D1: ten side by side, each with its own; one that is killed is seen as stopped, and up again has its data', async (t) => {
    const root = await newRoot(t);
    const urls = await Promise.all(side.map((name) => up(root, name, '--only', 'collect')));
    assert.equal(new Set(urls).size, side.length);
    await Promise.all(urls.map((url, i) => taken(url, packageOf(Array.from({ length: i + 1 }, () => collectEvent())))));
    for (const [i, url] of urls.entries()) assert.equal(await ingested(url), i + 1);
    const all = await root.list();
    assert.deepEqual(
      all.map(({ name, state, url }) => [name, state, url]),
      side.map((name, i) => [name, 'running', urls[i]]),
    );
    const [third] = all.filter(({ name }) => name === 'side-3') as [Listed];
    assert.ok(third.dataBytes > 1024 ** 2 && Date.parse(third.startedAt!) <= Date.now());
    process.kill(third.pid!, 'SIGKILL');
    await until(async () => (await root.find('side-3'))?.state === 'stopped');
    const rest = await root.list();
    assert.deepEqual(
      rest.filter(({ state }) => state !== 'running').map(({ name, port, pid }) => [name, port, pid]),
      [['side-3', third.port, null]],
    );
    assert.equal(await up(root, 'side-3'), third.url);
    assert.equal(await rowsIn(root, 'side-3'), 4);
  });

  test('D8: down drains and keeps the data; up twice is one server; a process that has the number of a killed one is left alone', async (t) => {
    const root = await newRoot(t);
    const [first, second] = await Promise.all([up(root, 'a', '--only', 'collect'), up(root, 'a', '--only', 'collect')]);
    assert.equal(first, second);
    const again = await root.run(['env', 'up', 'a']);
    assert.match(again.stdout, /^Environment a is up already: http:/);
    await taken(first, packageOf([collectEvent()]));
    const stopped = await root.run(['env', 'down', 'a']);
    assert.equal(stopped.stdout, 'Environment a is stopped.\n', stopped.stderr);
    assert.match(await readFile(join(root.dataDirOf('a'), 'server.log'), 'utf8'), /Tributary is ready/);
    assert.equal((await root.run(['env', 'down', 'a'])).stdout, 'Environment a is stopped already.\n');
    assert.notEqual(await up(root, 'b', '--only', 'collect'), first, 'the port of one that is stopped is its own');
    assert.equal(await up(root, 'a', '--only', 'collect'), first);
    assert.equal(await rowsIn(root, 'a'), 1);

    process.kill((await root.find('a'))!.pid!, 'SIGKILL');
    await until(async () => (await root.find('a'))?.state === 'stopped');
    const file = join(root.dataDirOf('a'), 'server.json');
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), pid: process.pid }));
    assert.equal((await root.run(['env', 'down', 'a'])).stdout, 'Environment a is stopped already.\n');
    assert.equal((await root.find('a'))?.pid, null);
  });

  test('commands find it by its name or TRIBUTARY_ENV; removed, its data and its name are gone', async (t) => {
    const root = await newRoot(t);
    const [a, b] = await Promise.all([up(root, 'a', '--only', 'collect'), up(root, 'b', '--only', 'collect')]);
    const events = join(root.dir, 'events.json');
    await writeFile(events, `${collectEvent()}\n`);
    const sent = await root.run(['send', events, '--env', 'b']);
    assert.equal(sent.code, 0, sent.stderr);
    const count = async (env: string): Promise<string> => {
      const { stdout } = await root.run(['topics', 'list', '--json'], { TRIBUTARY_ENV: env });
      return String(
        (JSON.parse(stdout) as { name: string; records: number }[]).find(({ name }) => name === 'events.raw')?.records,
      );
    };
    assert.deepEqual([await count('a'), await count('b')], ['0', '1']);
    const status = await root.run(['status', '--json', '--env', 'b']);
    assert.equal((JSON.parse(status.stdout) as { of: string }).of, b);

    const unasked = await root.run(['env', 'down', 'b', '--remove']);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /--remove deletes all that b holds: say so with --yes/);
    assert.equal((await httpRequest(`${b}/ping`)).status, 200);
    const socketDir = socketDirectoryOf(await realpath(join(root.dataDirOf('b'), 'postgres')));
    assert.ok(existsSync(socketDir));
    const removed = await root.run(['env', 'down', 'b', '--remove', '--yes']);
    assert.equal(removed.stdout, 'Environment b is removed.\n', removed.stderr);
    assert.deepEqual(
      (await root.list()).map(({ name, url }) => [name, url]),
      [['a', a]],
    );
    assert.ok(!existsSync(socketDir) && !existsSync(root.dataDirOf('b')));
    assert.match((await root.run(['env', 'down', 'b'])).stderr, /there is no environment b/);
  });

  test('on one PostgreSQL server they see nothing of each other; removed, its tables are gone', async (t) => {
    const postgres = await ownPostgres();
    t.after(() => postgres.dispose());
    const root = await newRoot(t);
    const env = { DATABASE_URL: postgres.url };
    const ran = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await root.run(args, env);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const names = ['staging-a', 'staging-b'];
    await Promise.all(names.map((name) => ran('env', 'up', name, '--only', 'rates,cards')));
    await Promise.all(names.map((name, i) => ran('rates', 'init', '--prices', `${100 + i}`, '--env', name)));
    const prices = async (name: string): Promise<string> =>
      ran('sql', '--json', 'SELECT count(*)::integer AS n FROM prices', '--env', name);
    assert.deepEqual(
      [await prices('staging-a'), await prices('staging-b')].map((text) => JSON.parse(text)),
      [[{ n: 100 }], [{ n: 101 }]],
    );
    const schemasWith = async (table: string): Promise<unknown> =>
      JSON.parse(
        await ran(
          'sql',
          '--json',
          `SELECT DISTINCT table_schema AS of FROM information_schema.tables WHERE table_name = '${table}' ORDER BY 1`,
          '--env',
          'staging-a',
        ),
      );
    assert.deepEqual(await schemasWith('prices'), [{ of: 'env_staging_a' }, { of: 'env_staging_b' }]);
    const cardsOfBoth = [{ of: 'env_staging_a$cards' }, { of: 'env_staging_b$cards' }];
    await until(async () => isDeepStrictEqual(await schemasWith('card_history'), cardsOfBoth));
    const users = join(root.dataDirOf('staging-a'), 'data/events/inbox/users');
    await mkdir(users, { recursive: true });
    await writeFile(join(users, '0.json'), JSON.stringify(makeUser(0, 0, new Random('environments'))));
    const usersIn = (name: string): Promise<string> => ran('sql', '--json', 'SELECT id FROM users', '--env', name);
    await until(async () => (await usersIn('staging-a')) !== (await usersIn('staging-b')));
    assert.deepEqual(JSON.parse(await usersIn('staging-b')), [], 'each takes the files of its own directories');
    await ran('env', 'down', 'staging-b', '--remove', '--yes');
    assert.deepEqual(await schemasWith('prices'), [{ of: 'env_staging_a' }]);
    assert.deepEqual(await schemasWith('card_history'), [{ of: 'env_staging_a$cards' }]);
  });

  test('one command brings it up with the tables of rates, from a dump or a sample, and leaves those that are there', async (t) => {
    const root = await newRoot(t);
    const dump = join(root.dir, '..', 'rates.sql');
    await writeFile(dump, wholeDump);
    const ran = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await root.run(['env', 'up', 'a', '--only', 'rates', ...args]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const first = await ran('--rates', dump);
    assert.match(first, /^Loaded 2 ports, 3 prices, 3 regions\.\nEnvironment a is ready: http:\S+\n$/);
    const url = /http:\S+/.exec(first)?.[0];
    const query = 'date_from=2021-01-31&date_to=2021-01-31&orig_code=world&dest_code=south';
    const rates = async (): Promise<string> => (await httpRequest(`${url}/rates?${query}`)).text;
    assert.equal(await rates(), '{"rates":[{"count":3,"day":"2021-01-31","price":1154.33333333333}]}');
    assert.match(await ran('--rates', 'sample'), /^Nothing to do: .*\nEnvironment a is up already: /);
    assert.equal(await rates(), '{"rates":[{"count":3,"day":"2021-01-31","price":1154.33333333333}]}');
    const none = await root.run(['env', 'up', 'b', '--rates', 'none.sql']);
    assert.deepEqual([none.code, await root.find('b')], [2, undefined], none.stderr);
  });

  test('one that cannot start says why, and where its log is', async (t) => {
    const root = await newRoot(t);
    const { code, stderr } = await root.run(['env', 'up', 'a', '--only', 'nonsense']);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /environment a ended with 2 as it started, and said: error: there is no system "nonsense".*server\.log/,
    );
    const shared = await root.run(['env', 'up', 'a'], { REDIS_URL: 'redis://redis' });
    assert.equal(shared.code, 2);
    assert.match(
      shared.stderr,
      /REDIS_URL in the environment would be shared with others by the environment a: write \{env\}/,
    );
    assert.equal((await root.run(['env', 'list'], { REDIS_URL: 'redis://redis' })).code, 0);
  });
});
