import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { scratch } from '../support/program.ts';
import { cli, root } from './run-cli.ts';

suite('tributary prove', { timeout: 120_000 }, () => {
  test('refuses a configuration that names a database, which it would write into, and leaves nothing behind', async (t) => {
    const cwd = await scratch(t);
    const tmp = join(cwd, 'tmp');
    await mkdir(tmp);
    await writeFile(join(cwd, 'tributary.config.json'), '{ "databaseUrl": "postgres://me@nowhere.invalid/warehouse" }');
    const ran = await cli(['prove', 'collect', '--kills', '1'], { cwd, env: { TMPDIR: tmp } });
    assert.equal(ran.code, 2);
    assert.match(
      ran.stderr,
      /^error: the proof brings servers of its own, and the configuration file names databaseUrl\./,
    );
    assert.deepEqual(
      (await readdir(tmp)).filter((name) => name.startsWith('tributary-')),
      [],
    );
  });

  test('runs on servers of its own, whatever the shell names', async (t) => {
    const cwd = await scratch(t);
    const env = {
      KAFKA_BROKERS: '127.0.0.1:1',
      DATABASE_URL: 'postgres://me@127.0.0.1:1/warehouse',
      S3_BUCKET: 'none',
    };
    const ran = await cli(['prove', 'collect', '--kills', '0', '--json'], { cwd, env });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  });

  test('D1, D2, D3: proves a system that only the named configuration file knows', async (t) => {
    const cwd = await scratch(t);
    const app = `import { app as collect } from ${JSON.stringify(join(root, 'apps/collect/collect.ts'))};
      export const app = { ...collect, pipeline: { ...collect.pipeline, name: 'mine' } };`;
    await writeFile(join(cwd, 'mine.ts'), app);
    await writeFile(join(cwd, 'mine.json'), '{ "pipelines": ["mine.ts"] }');
    const ran = await cli(['prove', 'mine', '--kills', '1', '--config', 'mine.json', '--json'], { cwd });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    const { acknowledged, lost, twice } = JSON.parse(ran.stdout) as Record<string, number | readonly unknown[]>;
    assert.ok(Number(acknowledged) > 0);
    assert.deepEqual([lost, twice], [[], []]);
  });
});
