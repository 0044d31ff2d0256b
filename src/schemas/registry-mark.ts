/**
 * By what other processes see that the registry has changed, without a look into each subject's folder: whoever has made a change
 * appends a byte to one file. A change that was made before a size was read is found by a listing that begins after that.
 * A process that dies between its change and the byte, or files that others put there, are found by the listing that
 * comes now and then anyway (registry-store.ts).
 */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';

const markOf = (dir: string): string => join(dir, 'changes');

/** 0 where nothing has been marked yet. */
export async function readMark(dir: string): Promise<number> {
  try {
    return (await stat(markOf(dir))).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Not synced: who forgets it has forgotten what was read, too. @returns the mark with this one, and those of others that came just now */
export async function addMark(dir: string): Promise<number> {
  const file = await open(markOf(dir), 'a');
  try {
    await file.write('.');
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
