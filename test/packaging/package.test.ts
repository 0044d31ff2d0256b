import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cli, type CliResult } from '../cli/run-cli.ts';
import { findMachineNode } from '../support/machine-node.ts';
import { namedBlock, root } from '../docs/markdown.ts';
import { requestJson, startBin } from './running.ts';
import { type InstalledProject, installProject } from './installed-project.ts';

const shown = ['orders.ts', 'schemas/orders-value.schema.json', 'tributary.config.json'];
const ofReadme = Object.fromEntries(shown.map((name) => [name, namedBlock('README.md', name)]));

suite('the published package, in a project of its own', { timeout: 240_000 }, () => {
  let project: InstalledProject;

  before(async () => {
    project = await installProject(ofReadme);
  });
  after(() => project.remove());

  const tributary = (args: readonly string[], cwd = project.dir): Promise<CliResult> =>
    cli(args, { cwd, command: [process.execPath, project.bin] });

  test('holds JavaScript, types and what they read, and neither sources nor tests', () => {
    const listed = execFileSync('tar', ['-tzf', project.tarball], { encoding: 'utf8' }).trim().split('\n');
    const files = listed.map((path) => path.replace('package/', ''));
    for (const needed of [
      'bin/tributary.js',
      'lib/index.js',
      'lib/index.d.ts',
      'lib/testing/testing.js',
      'lib/testing/testing.d.ts',
      'lib/cli/program.js',
      'apps/collect/collect.js',
      'apps/signals/signals.js',
      'apps/rates/rates.js',
      'apps/cards/cards.js',
      'apps/cards/warehouse/0001_cards_of_unknown_users.sql',
      'apps/signals/dashboard.html',
      'schemas/events.raw-value.avsc',
      'topics/main-topics',
      'README.md',
      'LICENSE',
    ])
      assert.ok(files.includes(needed), needed);
    assert.deepEqual(
      files.filter(
        (path) => /^(src|test|bench|scripts|tools)\/|^apps\/.*\.sh$/.test(path) || /(?<!\.d)\.ts$/.test(path),
      ),
      [],
    );
  });

  test("runs the README's pipeline, TypeScript that imports 'tributary': events land as a row, an object, dead letters", async () => {
    const program = await startBin(project);
    try {
      const order = { id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', placedAt: '2026-11-20T12:00:00Z', total: 3.5 };
      const answer = await requestJson(`${program.url}/orders`, [order, { ...order, id: 'none' }, { id: order.id }]);
      assert.deepEqual([answer['accepted'], answer['rejected']], [2, 1]);
      const lag = await tributary(['lag', '--wait', '--timeout', '60']);
      assert.equal(lag.code, 0, lag.stderr + program.log());
      const rows = await tributary(['sql', 'SELECT id, placed_at, total FROM orders', '--json']);
      assert.deepEqual(JSON.parse(rows.stdout), [{ id: order.id, placed_at: '2026-11-20 12:00:00+00', total: '3.5' }]);
      const letters = await tributary(['dead-letters', 'list', '--json']);
      const paths = letters.stdout.match(/"path":"[^"]*"/g);
      assert.deepEqual(paths?.toSorted(), ['"path":"id"', '"path":"placedAt"']);
    } finally {
      assert.equal(await program.end(), 0, program.log());
    }
  });

  test('tests the pipeline with tributary/testing, as docs/guide/testing.md shows', async () => {
    await writeFile(join(project.dir, 'orders.test.ts'), namedBlock('docs/guide/testing.md', 'orders.test.ts'));
    const ran = await cli(['--test'], { cwd: project.dir, command: [process.execPath] });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /^. pass 1$/m);
  });

  test('D1, D2, D3: proves collect, which it brings; a system without a generator says that it cannot be', async () => {
    const elsewhere = await mkdtemp(join(project.dir, 'empty-'));
    const proof = await tributary(['prove', 'collect', '--kills', '2', '--json'], elsewhere);
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
    const nothingToSend = await tributary(['prove', 'orders', '--kills', '0']);
    assert.match(nothingToSend.stderr, /^error: orders has no generator, so there is nothing to send\./);
  });

  test('its types fit its JavaScript: the pipeline compiles against them, and a wrong column does not', async () => {
    const dir = await mkdtemp(join(project.dir, 'types-'));
    await symlink(join(root, 'node_modules/@types'), join(project.dir, 'node_modules/@types'));
    const config = {
      extends: join(root, 'tsconfig.json'),
      include: ['*.ts'],
      compilerOptions: { skipLibCheck: false },
    };
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config));
    const right = ofReadme['orders.ts']!;
    await writeFile(join(dir, 'right.ts'), right);
    const rightTest = namedBlock('docs/guide/testing.md', 'orders.test.ts');
    await writeFile(join(dir, 'right.test.ts'), rightTest.replace('./orders.ts', './right.ts'));
    await writeFile(join(dir, 'wrong.ts'), right.replace('total: String(order.total)', 'totl: ""'));
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', dir], { encoding: 'utf8' });
    const errors = stdout.split('\n').filter((line) => /\(\d+,\d+\): error/.test(line));
    assert.ok(errors.length > 0);
    assert.deepEqual(
      errors.filter((line) => !line.includes('wrong.ts')),
      [],
    );
  });

  test('says that benchmarks need a clone', async () => {
    const ran = await tributary(['bench', 'collect']);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /^error: benchmarks run in a clone of the repository only/);
  });

  const oldNode = findMachineNode({ olderThan: 24 });
  test(
    'says in one line which Node.js it needs, and runs on that where it is installed beside an older one',
    { skip: oldNode === undefined },
    async () => {
      const ran = await cli(['start'], { command: [oldNode!, project.bin], cwd: project.dir });
      assert.deepEqual([ran.code, ran.stdout], [2, '']);
      assert.match(ran.stderr, /^error: tributary needs Node\.js 24 or newer, and this is v\d+\.\d+\.\d+\..*\n$/);
      const [, name = ''] = /npm install (\S+)@26\n$/.exec(ran.stderr) ?? [];
      await symlink(join(root, 'node_modules', name), join(project.dir, 'node_modules', name));
      const beside = await cli(['--version'], { command: [oldNode!, project.bin], cwd: project.dir });
      assert.match(beside.stdout, /^\d+\.\d+\.\d+\n$/, 'on the one that it said to install');
    },
  );
});
