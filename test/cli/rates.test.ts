/** `tributary rates init`: dumps and samples into an embedded and a real PostgreSQL, all or nothing. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { newDatabase } from '../../src/testing/postgres.ts';
import { dumpWithoutKeys, wholeDump } from '../dataset/dumps.ts';
import { httpRequest } from '../support/http-request.ts';
import { realData } from '../support/real-data.ts';
import { scratch, startProgram } from '../support/program.ts';
import { cli, root } from './run-cli.ts';

const real = realData('rates.sql');

const loaded = 'Loaded 2 ports, 3 prices, 3 regions.\n';

async function serverDatabase(t: TestContext) {
  const database = await newDatabase();
  t.after(() => database.drop());
  const pool = new Pool({ connectionString: database.url });
  pool.on('error', () => undefined);
  t.after(() => pool.end());
  const env = { DATABASE_URL: database.url };
  const dir = await scratch(t);
  const file = async (text: string): Promise<string> => {
    const path = join(dir, 'rates.sql');
    await writeFile(path, text);
    return path;
  };
  return { pool, env, file, init: (...args: readonly string[]) => cli(['rates', 'init', ...args], { env, cwd: dir }) };
}

async function tablesIn(pool: Pool): Promise<readonly string[]> {
  const found = await pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND nspname IN ('public', 'tributary_loading') ORDER BY 1`,
  );
  return found.rows.map(({ name }) => name);
}

async function keysIn(pool: Pool): Promise<readonly string[]> {
  const found = await pool.query<{ key: string }>(
    `SELECT conrelid::regclass || ': ' || pg_get_constraintdef(oid) AS key FROM pg_constraint
     WHERE contype IN ('p', 'f') AND connamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return found.rows.map(({ key }) => key);
}

const keys = [
  'ports: FOREIGN KEY (parent_slug) REFERENCES regions(slug)',
  'ports: PRIMARY KEY (code)',
  'prices: FOREIGN KEY (dest_code) REFERENCES ports(code)',
  'prices: FOREIGN KEY (orig_code) REFERENCES ports(code)',
  'regions: FOREIGN KEY (parent_slug) REFERENCES regions(slug)',
  'regions: PRIMARY KEY (slug)',
];

suite('tributary rates init', { timeout: 240_000 }, () => {
  for (const [what, dump] of [
    ['with its keys', wholeDump],
    ['without any', dumpWithoutKeys],
  ] as const)
    test(`loads a dump ${what}; a second time it says that it is there, unless --replace`, async (t) => {
      const { init, file, pool } = await serverDatabase(t);
      const path = await file(dump);
      const ran = await init('--dump', path);
      assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, loaded, '']);
      assert.deepEqual(await keysIn(pool), keys);
      const { rows } = await pool.query(`SELECT name FROM ports ORDER BY code`);
      assert.deepEqual(rows, [{ name: 'Ålesund\tand\nmore' }, { name: 'Oslo; -- "' }]);
      const again = await init('--dump', path);
      assert.deepEqual([again.code, again.stdout], [1, '']);
      assert.match(again.stderr, /^error: the warehouse has .*prices already\. .*--replace/);
      const left = await init('--dump', path, '--if-missing');
      assert.deepEqual(
        [left.code, left.stdout, left.stderr],
        [0, 'Nothing to do: the warehouse has regions, ports, prices already.\n', ''],
      );
      const replaced = await init('--replace', '--prices', '500', '--seed', '1');
      assert.deepEqual([replaced.code, replaced.stdout], [0, 'Loaded 40 regions, 150 ports, 500 prices.\n']);
      assert.deepEqual(await keysIn(pool), keys);
      assert.deepEqual(await tablesIn(pool), ['ports', 'prices', 'regions']);
    });

  for (const [what, from, to, message] of [
    ['a price that is none', '1140', '12.5', /line 46: invalid input syntax for type integer: "12.5"/],
    ['a column too few', '\t1079', '', /line 47: missing data for column "price"/],
    [
      'a port that is unknown',
      '\tBBBBB\t1244',
      '\tCCCCC\t1244',
      /prices.*\(dest_code\)=\(CCCCC\) is not present in table/,
    ],
    ['a region twice', 'south\tSouth', 'north\tNorth', /\(slug\)=\(north\) is duplicated/],
    ['a table of something else', 'COPY public.regions', 'COPY public.users', /line 50: there is no table "users"/],
    ['another column', '(slug, name', '(slug, title', /line 50: the columns of regions are \["slug","title"/],
    ['a table missing', /COPY public.regions[^]*?\\\.\n/, '', /the file has no rows of regions/],
    [
      'a table twice',
      /$/,
      'COPY public.ports (code, name, parent_slug) FROM stdin;\n\\.\n',
      /line \d+: the rows of ports come a second/,
    ],
    ['a cut', /1079[^]*/, '', /line 44: the file ends in the middle of the rows of prices/],
  ] as const)
    test(`refuses ${what}, with the place, and leaves nothing`, async (t) => {
      const { init, file, pool } = await serverDatabase(t);
      const ran = await init('--dump', await file(wholeDump.replace(from, to)));
      assert.equal(ran.code, 1);
      assert.match(ran.stderr, message);
      assert.match(ran.stderr, /^error: [^\n]* nothing of it was loaded\.\n$/);
      assert.deepEqual(await tablesIn(pool), []);
    });

  test('wrong usage is told before anything is touched: exit code 2', async (t) => {
    const { init, pool } = await serverDatabase(t);
    for (const [args, message] of [
      [['--dump', 'none.sql'], /none\.sql cannot be read \(ENOENT\)/],
      [['--dump', 'none.sql', '--prices', '5'], /--prices and --seed are of a sample/],
      [['--prices', '-1'], /whole number/],
      [['--dump', root], /is a directory; a dump is a file/],
      [['--replace', '--if-missing'], /name one of them/],
    ] as const) {
      const ran = await init(...args);
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, message);
    }
    assert.deepEqual(await tablesIn(pool), []);
  });

  test('killed half-way it leaves what was there, which was read all the time', async (t) => {
    const { init, file, env, pool } = await serverDatabase(t);
    for (const before of [[], ['ports', 'prices', 'regions']]) {
      let child: ChildProcess | undefined;
      const args = ['rates', 'init', '--prices', '1000000000', '--replace'];
      const running = cli(args, { env, onSpawn: (spawned) => (child = spawned) });
      const pid = await copying(pool);
      if (before.length > 0) assert.equal((await pool.query('SELECT FROM prices')).rowCount, 3);
      child?.kill('SIGKILL');
      assert.equal((await running).signal, 'SIGKILL');
      await ended(pool, pid);
      assert.deepEqual(await tablesIn(pool), before);
      if (before.length === 0) assert.equal((await init('--dump', await file(wholeDump))).stdout, loaded);
    }
    assert.equal((await pool.query('SELECT FROM prices')).rowCount, 3);
  });

  test('embedded: makes the warehouse where there is none, works beside a server, which answers from it', async (t) => {
    const dataDir = await scratch(t);
    const path = join(dataDir, 'rates.sql');
    await writeFile(path, wholeDump);
    const init = (...args: readonly string[]) => cli(['rates', 'init', '--data-dir', dataDir, ...args]);
    assert.equal(
      (await init('--prices', '1000', '--seed', '2')).stdout,
      'Loaded 40 regions, 150 ports, 1000 prices.\n',
    );
    const program = await startProgram({ dataDir, args: ['--only', 'rates'] });
    t.after(async () => {
      if (program.child.exitCode === null && program.child.signalCode === null) await program.kill('SIGKILL');
    });
    const beside = await init('--dump', path, '--replace');
    assert.deepEqual([beside.code, beside.stdout], [0, loaded], beside.stderr);
    const query = 'date_from=2021-01-31&date_to=2021-01-31&orig_code=world&dest_code=south';
    const got = await httpRequest(`${program.url}/rates?${query}`);
    assert.equal(got.text, '{"rates":[{"count":3,"day":"2021-01-31","price":1154.33333333333}]}');
    assert.equal(await program.kill('SIGTERM'), 0);
  });

  test('loads the real dump', { skip: real.skip }, async (t) => {
    const { init, pool } = await serverDatabase(t);
    const ran = await init('--dump', real.path);
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, 'Loaded 143 ports, 56689 prices, 20 regions.\n', '']);
    assert.deepEqual(await keysIn(pool), keys);
  });
});

/** The session that loads prices, once some are in. */
async function copying(pool: Pool): Promise<number> {
  for (;;) {
    const found = await pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 1000`,
    );
    if (found.rows[0]) return found.rows[0].pid;
    await sleep(20);
  }
}

async function ended(pool: Pool, pid: number): Promise<void> {
  while ((await pool.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount !== 0) await sleep(20);
}
