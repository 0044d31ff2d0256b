/**
 * Where the socket of an embedded PostgreSQL lies. Socket paths are limited to 107 bytes (103 on macOS), so it is in the
 * temporary directory, named by the data directory, and nobody but its owner may enter.
 */
import { createHash } from 'node:crypto';
import { chown, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../../../errors.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/** @param dataDir its canonical path */
export function socketDirectoryOf(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  return join(tmpdir(), `tributary-${process.getuid?.() ?? 0}-${name}`);
}

/** @throws Fault WAREHOUSE_UNAVAILABLE where somebody else made a directory of that name */
export async function makeSocketDirectory(dataDir: string, as: UnprivilegedUser): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const dir = socketDirectoryOf(dataDir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  const ours = found.uid === uid || found.uid === as.ids?.uid;
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0)
    throw new Fault('WAREHOUSE_UNAVAILABLE', `${dir} is not a directory that only this user may enter: remove it`);
  if (as.ids) await chown(dir, as.ids.uid, as.ids.gid);
  return dir;
}
