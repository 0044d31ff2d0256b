/**
 * Objects as files, where the object store is no directory: DuckDB reads S3 by an extension that it fetches from the internet, our own
 * store needs nothing. What the sources of the selected models name is brought into a directory before a run, and what is no longer
 * in the store leaves it.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { ObjectStore } from '../stores/objects/object-store.ts';

/** So many at a time; each is in memory as a whole meanwhile. */
const atATime = 8;

/** The patterns (`data/*.csv`) of the objects that a text of SQL names below the directory. */
export function patternsIn(sql: string, dir: string): readonly string[] {
  const quoted = sql.match(/'(?:[^']|'')*'/g) ?? [];
  return quoted
    .map((text) => text.slice(1, -1).replaceAll("''", "'"))
    .filter((path) => path.startsWith(`${dir}/`))
    .map((path) => path.slice(dir.length + 1));
}

/** @returns how many objects there are for the patterns */
export async function bringObjects(store: ObjectStore, dir: string, patterns: readonly string[]): Promise<number> {
  let count = 0;
  for (const pattern of new Set(patterns)) {
    const prefix = /^[^*?[{]*/.exec(pattern)?.[0] ?? '';
    const wanted = new Set<string>();
    for await (const key of store.list(prefix)) if (posix.matchesGlob(key, pattern)) wanted.add(key);
    await removeOthers(dir, pattern, wanted);
    const keys = [...wanted];
    for (let i = 0; i < keys.length; i += atATime)
      await Promise.all(keys.slice(i, i + atATime).map((key) => bringObject(store, dir, key)));
    count += wanted.size;
  }
  return count;
}

/** Whole, or not at all. */
export async function bringObject(store: ObjectStore, dir: string, key: string): Promise<void> {
  const body = await store.get(key);
  if (body === undefined) return; // removed meanwhile: as if it had been before
  const path = join(dir, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, body);
  await rename(`${path}.part`, path);
}

async function removeOthers(dir: string, pattern: string, wanted: ReadonlySet<string>): Promise<void> {
  await mkdir(dir, { recursive: true });
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const key = posix.join(posix.relative(dir, entry.parentPath), entry.name);
    if (posix.matchesGlob(key, pattern) && !wanted.has(key)) await rm(join(dir, key), { force: true });
  }
}
