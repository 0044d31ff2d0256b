/**
 * Directories that survive a power cut: `ensure` resolves when the directory and all above it, up to the root, exist and
 * their entries are synced, also where another caller or an earlier process made them. Symbolic links are refused, so that
 * no path leads out of the root.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../errors.ts';
import { syncDirectory } from '../durable-files.ts';
import type { Gate } from './at-most.ts';

/** Remembered directories, at most: keys come from events, whose values nobody bounds. */
const maxRemembered = 10_000;

export interface DurableDirectories {
  ensure(dir: string): Promise<void>;
  /** After a directory was found missing: somebody removed it. */
  forget(): void;
}

/** @param root exists, and is durable */
export function durableDirectories(root: string, gate: Gate): DurableDirectories {
  const remembered = new Map<string, Promise<void>>();

  function ensure(dir: string): Promise<void> {
    if (dir === root) return Promise.resolve();
    const known = remembered.get(dir);
    if (known) return known;
    if (remembered.size >= maxRemembered) remembered.clear();
    const made = make(dir);
    remembered.set(dir, made);
    made.catch(() => remembered.delete(dir));
    return made;
  }

  async function make(dir: string): Promise<void> {
    const parent = dirname(dir);
    await ensure(parent);
    await gate(async () => {
      await makeOne(dir);
      await syncDirectory(parent);
    });
  }

  return { ensure, forget: () => remembered.clear() };
}

async function makeOne(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = await lstat(dir);
    if (!found.isDirectory()) {
      const what = found.isSymbolicLink() ? 'a symbolic link, which is not followed' : 'an object itself';
      throw new Fault('OBJECT_KEY_INVALID', `no object can lie under ${dir}: it is ${what}`);
    }
  }
}
