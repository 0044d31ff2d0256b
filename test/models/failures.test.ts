/** What a model that cannot be built says, with file and line; and what a run needs of the room on the disk. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readCpuSeconds } from '../../bench/process-cpu.ts';
import { openBuild } from '../../src/models/database/models-database.ts';
import { cleanEnvironment, scratch } from '../support/program.ts';
import { smallDisk, whyNoSmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';
import { type BuildOptions, queryOn, runOf } from './built-models.ts';
import { settings, writeProject } from './projects.ts';

type Files = Readonly<Record<string, string>>;

const tables = `${settings}models:\n  made:\n    +materialized: table\n`;

async function placeOf(t: TestContext): Promise<Omit<BuildOptions, 'vars'>> {
  const root = await scratch(t);
  const objects = join(root, 'objects');
  await mkdir(objects);
  return { dir: join(root, 'project'), objects, place: { dir: join(root, 'models'), name: 'made' } };
}

async function statusesOf(build: BuildOptions, files: Files): Promise<readonly string[]> {
  await writeProject(build.dir, { 'dbt_project.yml': tables, ...files });
  const { results } = await runOf(build);
  return results.map(({ name, status }) => `${name} ${status}`);
}

test('a model that fails names its file and the line there, or the line of what it compiles to', async (t) => {
  const build = await placeOf(t);
  const csv = join(build.objects, 'bad.csv');
  await writeFile(csv, 'id,name\n1,a\nx,b\n');
  const reads = `read_csv('${csv}', header = true, columns = {'id': 'INTEGER', 'name': 'VARCHAR'})`;
  const wrong: readonly (readonly [sql: string, message: RegExp])[] = [
    ['select 1 as a\nfrom nowhere', /^models\/a\.sql:2: Catalog Error: .*nowhere[^]*\nfrom nowhere\n {5}\^$/],
    ['select 1,\r\n  selec\r\n', /^models\/a\.sql:2: Binder Error: .*selec/],
    [
      `select 1 as a,\n  {{ 'b' }} as c`,
      /^models\/a\.sql, line 2 of what it compiles to: .*"b"[^]*\n {2}b as c\n {2}\^$/,
    ],
    ['select x\nunion all\nselect x', /^models\/a\.sql, line 1 of what it compiles to: .*"x"/],
    ['select 1\nwhere', /^models\/a\.sql: Parser Error: .*, at the end of the SQL$/],
    ['-- nothing\n/* at\nall */\n', /^models\/a\.sql: it compiles to no SQL$/],
    [`select * from ${reads}`, new RegExp(`^models/a\\.sql: ${csv}:3: Original Line: x,b\n.*"x" to 'INTEGER'$`)],
    [`select * from read_csv('${build.objects}/gone.csv')`, /^models\/a\.sql:1: IO Error: No files found .*gone\.csv/],
    [`{{ config(materialized='view') }}\nselect nothing`, /^models\/a\.sql:2: Binder Error: .*nothing/],
    ...['/elsewhere/a.parquet', `${build.objects}/../a.parquet`].map(
      (location) =>
        [
          `{{ config(materialized='external', location='${location}') }} select 1 as a`,
          /^models\/a\.sql:1: an external model needs a location in the object store/,
        ] as const,
    ),
  ];
  for (const [sql, message] of wrong) {
    await writeProject(build.dir, { 'dbt_project.yml': tables, 'models/a.sql': sql });
    const { results } = await runOf(build);
    assert.equal(results[0]?.status, 'failed', sql);
    assert.match(results[0].message ?? '', message);
  }
});

test('a seed that fails names its file and the line; one that is too large is told before it is read', async (t) => {
  const build = await placeOf(t);
  const seeds = `${tables}seeds:\n  made:\n    s:\n      +column_types:\n        id: integer\n`;
  const messageOf = async (): Promise<string | undefined> => (await runOf(build)).results[0]?.message;
  await writeProject(build.dir, { 'dbt_project.yml': seeds, 'seeds/s.csv': 'id\n1\n1,2\n' });
  assert.match((await messageOf()) ?? '', /^seeds\/s\.csv: .*line 3$/);
  await writeProject(build.dir, { 'dbt_project.yml': seeds, 'seeds/s.csv': 'id\n1\nx\n' });
  assert.match((await messageOf()) ?? '', /^seeds\/s\.csv:3: Original Line: x\n.*"x" to 'INTEGER'$/);
  await truncate(join(build.dir, 'seeds/s.csv'), (64 << 20) + 1);
  assert.match((await messageOf()) ?? '', /^seeds\/s\.csv: a seed has 64 MiB at most: .* read it as a source$/);
});

test('a run that makes anew all that is there begins with nothing, and over again on a copy where a model fails', async (t) => {
  const build = await placeOf(t);
  const big = 'select i, md5(cast(i as varchar)) as text from range({{ var("rows") }}) as r(i)';
  const small = 'select count(*) as rows from made.main.big';
  assert.deepEqual(
    await statusesOf({ ...build, vars: { rows: 200_000 } }, { 'models/big.sql': big, 'models/small.sql': small }),
    ['big built', 'small built'],
  );
  const file = join(build.place.dir, 'made.duckdb');
  const largeBytes = (await stat(file)).size;
  assert.deepEqual(await statusesOf({ ...build, vars: { rows: 10 } }, {}), ['big built', 'small built']);
  assert.ok((await stat(file)).size < largeBytes / 2, 'a copy would have kept its size');

  const told: string[] = [];
  const onResult = ({ name, status }: { readonly name: string; readonly status: string }): void =>
    void told.push(`${name} ${status}`);
  const fails = {
    'models/last.sql': 'select no_such_column',
    'models/small.sql': 'select rows + 1 as rows from {{ this }}',
  };
  const statuses = ['big built', 'last failed', 'small built'];
  assert.deepEqual(await statusesOf({ ...build, vars: { rows: 20 }, onResult }, fails), statuses);
  assert.deepEqual(told, statuses, 'each is told once');
  assert.deepEqual((await queryOn(build.place, 'SELECT (SELECT count(*) FROM big), rows FROM small')).rows, [[20, 11]]);
});

test('what a run does not make anew stays: other tables, rows of incremental models, what somebody added', async (t) => {
  const build = await placeOf(t);
  const incremental = "{{ config(materialized='incremental') }} select {{ var('n') }} as n";
  const files = { 'models/a.sql': 'select 1 as a', 'models/b.sql': incremental, 'models/old.sql': 'select 1 as old' };
  await statusesOf({ ...build, vars: { n: 1 } }, files);
  const without = { 'models/old.sql': '{{ config(enabled=false) }} select 1 as old' };
  assert.deepEqual(await statusesOf({ ...build, vars: { n: 2 } }, without), ['a built', 'b built']);
  assert.deepEqual((await queryOn(build.place, 'SELECT (SELECT old FROM old), count(*), sum(n) FROM b')).rows, [
    [1, 2, 3],
  ]);

  const place = { ...build.place, dir: join(build.place.dir, 'other') };
  const alone = { 'models/b.sql': without['models/old.sql'] };
  assert.deepEqual(await statusesOf({ ...build, place }, alone), ['a built']);
  const opened = await openBuild(place);
  await opened.connection.run('CREATE SEQUENCE made.main.numbers');
  await opened.publish();
  await opened.close();
  assert.deepEqual(await statusesOf({ ...build, place }, {}), ['a built']);
  assert.deepEqual((await queryOn(place, 'SELECT count(*) FROM duckdb_sequences()')).rows, [[1]]);
});

test(
  'a full disk ends the run, which leaves everything as it was, and no less room than before',
  { skip: whyNoSmallDisk() ?? false },
  async (t) => {
    const build = await placeOf(t);
    const disk = await smallDisk(16);
    t.after(disk.remove);
    const place = { ...build.place, dir: join(disk.dir, 'models') };
    const sql = 'select i, md5(cast(i as varchar)) as text from range({{ var("rows") }}) as r(i)';
    const files = { 'models/a.sql': 'select {{ var("rows") }} as rows', 'models/big.sql': sql };
    const rows = (count: number) => statusesOf({ ...build, place, vars: { rows: count } }, files);
    assert.deepEqual(await rows(1000), ['a built', 'big built']);
    await assert.rejects(rows(2_000_000), { code: 'MODELS_NO_SPACE', message: /as they were: .*No space left/ });
    assert.deepEqual((await queryOn(place, 'SELECT rows, (SELECT count(*) FROM big) FROM a')).rows, [[1000, 1000]]);
    assert.deepEqual(await rows(2000), ['a built', 'big built']);
  },
);

test(
  'an interrupted run ends at once, in the middle of a query',
  { skip: process.platform !== 'linux', timeout: 120_000 },
  async (t) => {
    const build = await placeOf(t);
    const endless = "select count(*) as n from range(1000000000000) as r(i) where md5(cast(i as varchar)) = ''";
    await writeProject(build.dir, { 'dbt_project.yml': tables, 'models/endless.sql': endless });
    const program = join(import.meta.dirname, '../../src/cli/program.ts');
    const args = ['models', 'run', '--project-dir', build.dir, '--data-dir', build.objects];
    const child = spawn(process.execPath, [program, ...args], { env: cleanEnvironment(), stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await until(() => existsSync(join(build.objects, 'models/building.duckdb')));
    const startedSeconds = await readCpuSeconds(child.pid as number);
    await until(async () => (await readCpuSeconds(child.pid as number)) > startedSeconds + 1); // all else is done in less
    child.kill('SIGINT');
    assert.deepEqual(await exited, [130, null]);
  },
);
