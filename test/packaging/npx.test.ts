import assert from 'node:assert/strict';
import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli } from '../cli/run-cli.ts';
import { root } from '../docs/markdown.ts';
import { scratch } from '../support/program.ts';

/** npm installs the clone into its cache as a link, under the clone's own .npmrc, which refuses install scripts. */
test('npx tributary works in a clone, without a network', { timeout: 60_000 }, async (t) => {
  const dir = await scratch(t);
  const entries = (await readdir(root)).filter((name) => name !== '.git');
  for (const name of entries) await symlink(join(root, name), join(dir, name));
  const env = { npm_config_cache: join(await scratch(t), 'cache'), npm_config_offline: 'true' };
  const ran = await cli(['tributary', '--version'], { command: ['npx'], cwd: dir, env });
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /^\d+\.\d+\.\d+\n$/);
});
