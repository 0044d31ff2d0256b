/** Small files that only their owner may read (mode 0600), are there whole or not at all, and outlive a power cut. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../schemas/durable-file.ts';

export async function makePrivateDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncDirectory(dirname(first));
}

/** @returns false where a file of that name is there already, which stays as it is */
export async function createPrivately(path: string, text: string): Promise<boolean> {
  return writeAside(path, text, (aside) =>
    link(aside, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    ),
  );
}

export async function replacePrivately(path: string, text: string): Promise<void> {
  await writeAside(path, text, (aside) => rename(aside, path));
}

async function writeAside<T>(path: string, text: string, put: (aside: string) => Promise<T>): Promise<T> {
  const aside = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await open(aside, 'wx', 0o600);
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
