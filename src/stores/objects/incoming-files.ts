/**
 * Files that are not objects yet: written and synced in the store's `.incoming` directory, then renamed to their key.
 * What a killed process left there is swept when a store is opened; what a living one is writing is left alone.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { all, type Gate } from './at-most.ts';

/** Tells this process from an earlier one with the same number (containers start at 1 each time). */
const processToken = randomBytes(6).toString('hex');
let written = 0;

/** Writes and syncs each body; leaves nothing behind where one fails (ENOSPC). @returns the files' paths, in order */
export async function writeIncoming(dir: string, bodies: readonly Uint8Array[], gate: Gate): Promise<string[]> {
  const results = await Promise.allSettled(bodies.map((body) => gate(() => writeOne(dir, body))));
  const files = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return files;
  await removeIncoming(files, gate);
  throw failed.reason;
}

export async function removeIncoming(files: readonly string[], gate: Gate): Promise<void> {
  await all(files.map((file) => gate(() => rm(file, { force: true }))));
}

/** Copies and syncs a file; leaves nothing behind where that fails. @returns the copy's path */
export async function copyIncoming(dir: string, from: string, gate: Gate): Promise<string> {
  return gate(() => makeOne(dir, (file) => file.writeFile(createReadStream(from))));
}

function writeOne(dir: string, body: Uint8Array): Promise<string> {
  return makeOne(dir, (file) => file.writeFile(body));
}

async function makeOne(dir: string, fill: (file: FileHandle) => Promise<void>): Promise<string> {
  written += 1;
  const path = join(dir, `${process.pid}-${processToken}-${written}`);
  const handle = await open(path, 'wx');
  try {
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return path;
}

export async function sweepIncoming(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const [pid, token] = name.split('-');
    if (token !== processToken && !isAlive(Number(pid))) await rm(join(dir, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid || !Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
