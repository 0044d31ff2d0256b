/** Runs that fail, are killed, or meet each other; and the commands, as somebody types them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bringObjects, patternsIn } from '../../src/models/bring-objects.ts';
import { openBuild } from '../../src/models/database/models-database.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { cleanEnvironment, runProgram, scratch } from '../support/program.ts';
import { queryOn, runOf } from './built-models.ts';
import { writeLake } from './lake-files.ts';
import { writeProject } from './projects.ts';

const program = join(import.meta.dirname, '../../src/cli/program.ts');

async function made(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = await scratch(t);
  const dir = await writeProject(join(root, 'project'), files);
  const objects = join(root, 'objects');
  await mkdir(objects);
  return { dir, objects, place: { dir: join(root, 'models'), name: 'made' } };
}

test('a model that fails keeps its table, those that need it are left out, the others go on', async (t) => {
  const { dir, objects, place } = await made(t, {
    'models/a.sql':
      "{{ config(materialized='table') }} select {{ var('number', 1) }} / {{ var('by', 1) }}::integer as n, cast('{{ var('number', 1) }}' as integer) as i",
    'models/b.sql': "{{ config(materialized='table') }} select i + 1 as i from {{ ref('a') }}",
    'models/c.sql': "{{ config(materialized='table') }} select '{{ var('number', 1) }}' as i",
  });
  const first = await runOf({ dir, objects, place });
  assert.deepEqual(
    first.results.map(({ status }) => status),
    ['built', 'built', 'built'],
  );
  const second = await runOf({ dir, objects, place, vars: { number: 'x' } });
  assert.deepEqual(
    second.results.map(({ name, status }) => `${name} ${status}`),
    ['a failed', 'b left out', 'c built'],
  );
  assert.match(second.results[0]?.message ?? '', /x/);
  assert.match(second.results[1]?.message ?? '', /it needs a/);
  const { rows } = await queryOn(place, 'SELECT a.i, b.i, c.i FROM a, b, c');
  assert.deepEqual(rows, [[1, 2, 'x']]);
});

test('a table becomes a view and a view a table; rows of the same key are replaced', async (t) => {
  const { dir, objects, place } = await made(t, {
    'models/a.sql': "{{ config(materialized=var('kind')) }} select 1 as i",
    'models/b.sql': `{{ config(materialized='incremental', unique_key='i') }}
      select {{ var('n') }} % 2 as i, {{ var('n') }} as n {% if is_incremental() %}where true{% endif %}`,
  });
  for (const [n, kind] of ['table', 'view', 'table'].entries()) {
    const { results } = await runOf({ dir, objects, place, vars: { kind, n } });
    assert.deepEqual(
      results.filter(({ status }) => status !== 'built'),
      [],
    );
  }
  const { rows } = await queryOn(place, 'SELECT (SELECT count(*) FROM a), i, n FROM b ORDER BY i');
  assert.deepEqual(rows, [
    [1, 0, 2],
    [1, 1, 1],
  ]);
});

test('of two runs at once the second is told; readers see the tables of before meanwhile', async (t) => {
  const { dir, objects, place } = await made(t, { 'models/a.sql': "{{ config(materialized='table') }} select 1 as i" });
  await runOf({ dir, objects, place });
  const build = await openBuild(place);
  try {
    await build.connection.run('CREATE OR REPLACE TABLE made.main.a AS SELECT 2 AS i');
    await assert.rejects(runOf({ dir, objects, place }), { code: 'MODELS_BUSY' });
    assert.deepEqual((await queryOn(place, 'FROM a')).rows, [[1]]);
    await build.publish();
    assert.deepEqual((await queryOn(place, 'FROM a')).rows, [[2]]);
  } finally {
    await build.close();
  }
  assert.equal((await runOf({ dir, objects, place })).results[0]?.status, 'built');
});

test('D3: a run that is killed leaves all tables as before it, or as after it', { timeout: 240_000 }, async (t) => {
  const dataDir = await scratch(t);
  const objects = join(dataDir, 'objects');
  const place = { dir: join(dataDir, 'models'), name: 'lake' };
  const args = ['models', 'run', '--data-dir', dataDir];
  await writeLake(objects, { seed: '0', sessions: 100 });
  assert.equal((await runProgram(args)).code, 0);
  for (let round = 1; round <= 3; round++) {
    await writeLake(objects, { seed: String(round), sessions: 100 + round });
    const child = spawn(process.execPath, [program, ...args], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    // Each time later: in the middle of the models, or of what ends the run.
    let told = 0;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text.split('\n').length - 1;
      if (told >= round) child.kill('SIGKILL');
    });
    await ended;
    const { rows } = await queryOn(
      place,
      'SELECT (SELECT count(*) FROM stg_sessions), (SELECT max(age_group_rank) FROM top_5_prayer_types_per_age_group)',
    );
    const [[sessions, rank] = []] = rows;
    assert.ok(Number(sessions) >= 100 && Number(sessions) <= 100 + round && rank === 5, String(rows));
  }
  assert.equal((await runProgram(args)).code, 0);
  assert.deepEqual((await queryOn(place, 'SELECT count(*) FROM stg_sessions')).rows, [[103]]);
  assert.deepEqual(
    (await readdir(place.dir)).filter((name) => name.startsWith('building')),
    [],
  );
});

test('objects of a store that is no directory are brought as files, and go when they are gone', async (t) => {
  const dir = await scratch(t);
  const store = await openDirectoryStore({ dir: join(dir, 'store') });
  const keys = ['data/users.csv', 'raw/users/date=1/a.json', 'raw/users/date=2/b.json', 'raw/other.json'];
  for (const key of keys) await store.put(key, Buffer.from(key));
  const files = join(dir, 'files');
  const patterns = patternsIn(
    `read_csv('${files}/data/users.csv', quote = '"') , '${files}/raw/users/*/*.json', '/elsewhere'`,
    files,
  );
  assert.deepEqual(patterns, ['data/users.csv', 'raw/users/*/*.json']);
  assert.equal(await bringObjects(store, files, patterns), 3);
  assert.equal(await readFile(join(files, 'raw/users/date=2/b.json'), 'utf8'), 'raw/users/date=2/b.json');
  // As `tributary compact` does it, between the list and the read.
  const merging: ObjectStore = {
    ...store,
    get: async (key) => {
      if (key.endsWith('a.json')) {
        await store.put('raw/users/date=1/whole.json', Buffer.from(key));
        await store.delete(key);
      }
      return store.get(key);
    },
  };
  assert.equal(await bringObjects(merging, files, patterns), 3);
  assert.equal(await readFile(join(files, 'raw/users/date=1/whole.json'), 'utf8'), 'raw/users/date=1/a.json');
  await store.delete('raw/users/date=1/whole.json');
  assert.equal(await bringObjects(store, files, patterns), 2);
  const left = await readdir(files, { recursive: true, withFileTypes: true });
  assert.deepEqual(
    left
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .toSorted(),
    ['b.json', 'users.csv'],
  );
});

test(
  'the commands say what they did, in tables and in JSON, and by their exit codes',
  { timeout: 240_000 },
  async (t) => {
    const dataDir = await scratch(t);
    const models = (...args: string[]) => runProgram(['models', ...args, '--data-dir', dataDir]);
    const none = await models('query', 'SELECT 1');
    assert.equal(none.code, 1);
    assert.match(none.stderr, /not built .* yet: tributary models run builds them/);
    assert.equal(
      (await models('sample', '--users', '50', '--content', '20', '--sessions', '300', '--seed', '7')).code,
      0,
    );
    const ran = await models('run', '--select', '+top_5_prayer_types_per_age_group', '--json');
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(
      (JSON.parse(ran.stdout) as { name: string; rows: number }[]).map(({ name }) => name),
      ['stg_content', 'stg_sessions', 'stg_users', 'top_5_prayer_types_per_age_group'],
    );
    const counted = await models(
      'query',
      'SELECT count(*) AS sessions, 1.5 AS half, 9007199254740993 AS wide FROM stg_sessions',
      '--json',
    );
    assert.deepEqual(JSON.parse(counted.stdout), [{ sessions: 300, half: 1.5, wide: '9007199254740993' }]);
    const shown = await models('show', 'stg_users', '--limit', '2');
    assert.match(shown.stdout, /^user_id +age +status +country +created_at\n +1 .*\n +2 .*\n\(2 rows\)\n$/);
    const tested = await models('test');
    assert.equal(tested.code, 0, tested.stdout);
    assert.match(tested.stdout, /^relationships_stg_sessions_user_id\S* +warned +\d+$/m);

    await writeFile(
      join(dataDir, 'objects/data/users.csv'),
      `id,age,status,country,created_at\n1,old,free,US,2024-01-01\n`,
    );
    const failed = await models('run');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /failed stg_users: .*old/);
    assert.match(failed.stderr, /left out top_5_prayer_types_per_age_group: it needs stg_users/);
    const wrong = await models('query', 'SELEC 1');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^error: .*SELEC/);
    const written = await models('query', 'DELETE FROM stg_users');
    assert.equal(written.code, 1);
    assert.match(written.stderr, /read-only/);
    assert.equal((await models('run', '--select', 'nothing')).code, 2);
    assert.equal((await models('run', '--vars', '[1]')).code, 2);
  },
);
