/** Small files that are there whole or not at all, are never overwritten, and outlive a power cut. */
import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Written aside, synced, then linked: unlike a rename, a link never replaces what another process put there meanwhile.
 * @returns false where a file of that name is there already
 */
export async function createDurably(path: string, text: string): Promise<boolean> {
  const aside = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    await writeSynced(aside, text);
    await link(aside, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
    await syncDirectory(dirname(path));
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
