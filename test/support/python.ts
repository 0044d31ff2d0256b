/**
 * Python with packages, for clients that exist there only: a virtual environment, made once with pip and kept beside the
 * other caches of node_modules.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const cache = join(import.meta.dirname, '../../node_modules/.cache/tributary-python');
const run = promisify(execFile);

export type Python = { readonly python: string } | { readonly missing: string };

/** @param requirement for pip, with a version: it names the environment */
export async function pythonWith(requirement: string): Promise<Python> {
  const dir = join(cache, requirement.replaceAll(/[^\w.=-]/g, '-'));
  const python = join(dir, 'bin/python');
  if (existsSync(python)) return { python };
  try {
    await makeEnvironment(dir, requirement);
    return { python };
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return { missing: 'there is no python3' };
    const why = stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replaceAll(/\w+:\/\/\S+/g, '...');
    return { missing: `pip could not install ${requirement}: ${why}` };
  }
}

/** Made aside: it is there whole or not at all, also with other test runs at it. */
async function makeEnvironment(dir: string, requirement: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(join(cache, 'new-'));
  try {
    await run('python3', ['-m', 'venv', aside]);
    await run(join(aside, 'bin/python'), ['-m', 'pip', 'install', '--quiet', requirement], { timeout: 300_000 });
    await rename(aside, dir).catch((error: unknown) => {
      if (!existsSync(dir)) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
