/**
 * A project in which the package is installed as npm would: the tarball unpacked under `node_modules`. What it depends on
 * is linked from our own `node_modules`, and only what its package.json names, since an installation from the registry
 * would take a network and many times as long. That it installs from there is tried by hand before a release.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../docs/markdown.ts';
import { cleanEnvironment } from '../support/program.ts';

export interface InstalledProject {
  readonly dir: string;
  /** What `npx tributary` runs. */
  readonly bin: string;
  readonly tarball: string;
  remove(): Promise<void>;
}

/** @param files of the project, text by path */
export async function installProject(files: Readonly<Record<string, string>>): Promise<InstalledProject> {
  const scratch = await mkdtemp(join(tmpdir(), 'tributary-package-'));
  const tarball = pack(join(scratch, 'dist'));
  const dir = join(scratch, 'project');
  const modules = join(dir, 'node_modules');
  const installed = join(modules, 'tributary');
  await mkdir(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components', '1']);
  for (const name of dependenciesOf(installed)) await link(join(root, 'node_modules', name), join(modules, name));
  const bin = join(modules, '.bin', 'tributary');
  await link('../tributary/bin/tributary.js', bin);
  const all = { 'package.json': '{ "name": "project", "private": true, "type": "module" }', ...files };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return { dir, bin, tarball, remove: () => rm(scratch, { recursive: true, force: true, maxRetries: 5 }) };
}

/** As `npm run pack`; answers the tarball's path. */
function pack(to: string): string {
  const script = join(root, 'scripts/pack.mjs');
  const env = { ...cleanEnvironment(), npm_config_cache: join(dirname(to), 'npm-cache') };
  return execFileSync(process.execPath, [script, to], { env, encoding: 'utf8' }).trim().split('\n').at(-1)!;
}

function dependenciesOf(installed: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, object>;
  const { dependencies = {}, optionalDependencies = {} } = manifest;
  const ofThisPlatform = Object.keys(optionalDependencies).filter((name) =>
    existsSync(join(root, 'node_modules', name)),
  );
  return [...Object.keys(dependencies), ...ofThisPlatform];
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}
