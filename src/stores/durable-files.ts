/** Small files that are there whole or not at all, and outlive a power cut, as do the names of directories. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Only the owner may read and write it. */
export const privateMode = 0o600;
const usualMode = 0o666;

/**
 * Written aside, synced, then linked: unlike a rename, a link never replaces what another process put there meanwhile.
 * @returns false where a file of that name is there already, which stays as it is
 */
export async function createDurably(path: string, text: string, mode = usualMode): Promise<boolean> {
  return writeAside(path, text, mode, (aside) =>
    link(aside, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    ),
  );
}

export async function replaceDurably(path: string, text: string, mode = usualMode): Promise<void> {
  await writeAside(path, text, mode, (aside) => rename(aside, path));
}

async function writeAside<T>(path: string, text: string, mode: number, put: (aside: string) => Promise<T>): Promise<T> {
  const aside = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await open(aside, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    return await put(aside);
  } finally {
    await rm(aside, { force: true });
    await syncDirectory(dirname(path));
  }
}

/** Only the owner may look into it. */
export async function makePrivateDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncDirectory(dirname(first));
}

/** Makes the entries of a directory (new names, renames, removals) survive a power cut. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
