/** Files that are whole and synced, aside, on their way to their places. */
import { link, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../durable-files.ts';
import { all, type Gate } from './at-most.ts';
import type { DurableDirectories } from './durable-directories.ts';
import { removeIncoming } from './incoming-files.ts';
import type { StagedObjects } from './object-store.ts';

/** False where a file is there already, which stays: unlike a rename, a link replaces nothing. @param file goes from where it is */
export async function placeNewFile(
  file: string,
  path: string,
  directories: DurableDirectories,
  gate: Gate,
): Promise<boolean> {
  const parent = dirname(path);
  try {
    await directories.ensure(parent);
    const isNew = await gate(() => link(file, path).then(() => true, falseWhereTaken));
    await gate(() => syncDirectory(parent)); // also where it was there: who put it may have ended before this
    return isNew;
  } catch (error) {
    directories.forget();
    throw error;
  } finally {
    await removeIncoming([file], gate);
  }
}

function falseWhereTaken(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

/** @param paths where each of the files goes */
export function stageFiles(
  files: readonly string[],
  paths: readonly string[],
  directories: DurableDirectories,
  gate: Gate,
): StagedObjects {
  const parents = [...new Set(paths.map(dirname))];
  let open = true;

  async function abort(): Promise<void> {
    if (open) await removeIncoming(files, gate);
    open = false;
  }

  async function commit(): Promise<void> {
    try {
      await all(parents.map((dir) => directories.ensure(dir)));
      await all(files.map((file, i) => gate(() => rename(file, paths[i] as string))));
      await all(parents.map((dir) => gate(() => syncDirectory(dir))));
    } catch (error) {
      directories.forget();
      await abort();
      throw error;
    }
    open = false;
  }

  return { commit, abort };
}
