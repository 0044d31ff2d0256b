/** Files that are whole and synced, aside, on their way to their places. */
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../durable-files.ts';
import { all, type Gate } from './at-most.ts';
import type { DurableDirectories } from './durable-directories.ts';
import { removeIncoming } from './incoming-files.ts';
import type { StagedObjects } from './object-store.ts';

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
