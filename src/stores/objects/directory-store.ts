/**
 * An object store in a directory: each object a file, its key the path.
 *
 * An object is written aside, synced, renamed into place, and its directory synced: whole or not there, durable when `put`
 * resolves. At most eight file operations run at a time: enough for the file system to sync many files with one commit of
 * its journal, and half of the threads that the program has (cli/runtime.ts), as the log needs some. POSIX only (Windows
 * cannot sync a directory).
 */
import { type Dirent } from 'node:fs';
import { lstat, mkdir, readFile, readdir, realpath, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../durable-files.ts';
import { all, atMost, type Gate } from './at-most.ts';
import { durableDirectories } from './durable-directories.ts';
import { copyIncoming, sweepIncoming, writeIncoming } from './incoming-files.ts';
import { checkKey, incoming } from './object-key-check.ts';
import type { NewObject, ObjectEntry, ObjectStore, StagedObjects } from './object-store.ts';
import { placeNewFile, stageFiles } from './staged-files.ts';

const maxFileOperations = 8;

export interface DirectoryStoreOptions {
  /** Made where it is missing. */
  readonly dir: string;
}

export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<ObjectStore> {
  const root = await openRoot(options.dir);
  const aside = join(root, incoming);
  const gate = atMost(maxFileOperations);
  const directories = durableDirectories(root, gate);

  async function stage(objects: readonly NewObject[]): Promise<StagedObjects> {
    for (const { key } of objects) checkKey(key);
    const paths = objects.map(({ key }) => join(root, key));
    const bodies = objects.map(({ body }) => body);
    return stageFiles(await writeIncoming(aside, bodies, gate), paths, directories, gate);
  }

  async function putFile(key: string, path: string): Promise<void> {
    checkKey(key);
    await stageFiles([await copyIncoming(aside, path, gate)], [join(root, key)], directories, gate).commit();
  }

  async function putNewFile(key: string, path: string): Promise<boolean> {
    checkKey(key);
    return placeNewFile(await copyIncoming(aside, path, gate), join(root, key), directories, gate);
  }

  async function get(key: string): Promise<Buffer | undefined> {
    checkKey(key);
    const path = join(root, key);
    return gate(async () => {
      try {
        return (await realpath(path)) === path ? await readFile(path) : undefined;
      } catch (error) {
        return noneWhereAbsent(error);
      }
    });
  }

  return {
    put: async (key, body) => (await stage([{ key, body }])).commit(),
    putFile,
    putNewFile,
    stage,
    get,
    list: (prefix) => listFiles(root, '', prefix),
    entries: (prefix) => listEntries(root, prefix),
    delete: (key) => removeAll(root, [key], gate),
    deleteAll: (keys) => removeAll(root, keys, gate),
  };
}

async function removeAll(root: string, keys: readonly string[], gate: Gate): Promise<void> {
  keys.forEach(checkKey);
  const byParent = Map.groupBy(
    keys.map((key) => join(root, key)),
    dirname,
  );
  await all([...byParent].map(([parent, paths]) => removeFrom(parent, paths, gate).catch(noneWhereAbsent)));
}

async function removeFrom(parent: string, paths: readonly string[], gate: Gate): Promise<void> {
  if ((await gate(() => realpath(parent))) !== parent) return;
  await all(paths.map((path) => gate(() => unlink(path).catch(noneWhereAbsent))));
  await gate(() => syncDirectory(parent)); // also where they were gone: an earlier try may have ended before this
}

async function openRoot(dir: string): Promise<string> {
  const firstMade = await mkdir(join(dir, incoming), { recursive: true });
  const root = await realpath(dir);
  if (firstMade !== undefined) {
    const above = dirname(await realpath(firstMade));
    for (let made = join(root, incoming); made !== above;) {
      made = dirname(made);
      await syncDirectory(made);
    }
  }
  await sweepIncoming(join(root, incoming));
  return root;
}

function noneWhereAbsent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
  throw error;
}

async function* listFiles(root: string, base: string, prefix: string): AsyncGenerator<string> {
  for (const { name, isDirectory } of await entriesInOrder(join(root, base))) {
    const key = base + name;
    if (key === `${incoming}/`) continue;
    if (isDirectory && (key.startsWith(prefix) || prefix.startsWith(key))) yield* listFiles(root, key, prefix);
    if (!isDirectory && key.startsWith(prefix)) yield key;
  }
}

async function* listEntries(root: string, prefix: string): AsyncGenerator<ObjectEntry> {
  for await (const key of listFiles(root, '', prefix)) {
    const found = await lstat(join(root, key)).catch(noneWhereAbsent);
    if (found) yield { key, bytes: found.size, putAtMs: found.mtimeMs };
  }
}

/** Directories sort as `name/`: so the order within each directory is the order of whole keys. */
async function entriesInOrder(dir: string): Promise<{ name: string; isDirectory: boolean }[]> {
  const found = await readdir(dir, { withFileTypes: true }).catch((error: unknown): Dirent[] => {
    noneWhereAbsent(error);
    return [];
  });
  return found
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, isDirectory: entry.isDirectory() }))
    .map((entry) => ({ ...entry, bytes: Buffer.from(entry.name) }))
    .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes));
}
