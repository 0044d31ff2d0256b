/** What a script of scripts/ installs in the user's cache: its path, or why there is none. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inPackage } from '../../src/config/package-root.ts';

export type Installed = { readonly path: string } | { readonly missing: string };

/** A download of pip's, at most. */
const timeoutMs = 280_000;

export async function installed(script: string): Promise<Installed> {
  const { stdout, stderr } = await promisify(execFile)(inPackage(script), { timeout: timeoutMs });
  const path = stdout.trim();
  return path === '' ? { missing: stderr.trim() } : { path };
}
