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
    // What is gone when it is read may be in another object by now (`tributary compact`): then all is looked at again.
    let found = await bringPattern(store, dir, pattern);
    while (found === undefined) found = await bringPattern(store, dir, pattern);
    count += found;
  }
  return count;
}

/** Undefined where an object was removed meanwhile. */
async function bringPattern(store: ObjectStore, dir: string, pattern: string): Promise<number | undefined> {
  const prefix = /^[^*?[{]*/.exec(pattern)?.[0] ?? '';
  const wanted = new Set<string>();
  for await (const key of store.list(prefix)) if (posix.matchesGlob(key, pattern)) wanted.add(key);
  await removeOthers(dir, pattern, wanted);
  const keys = [...wanted];
  let areAllThere = true;
  for (let i = 0; i < keys.length; i += atATime) {
    const brought = await Promise.all(keys.slice(i, i + atATime).map((key) => bringObject(store, dir, key)));
    areAllThere &&= brought.every(Boolean);
  }
  return areAllThere ? keys.length : undefined;
}

/** Whole, or not at all. @returns false where there is none */
export async function bringObject(store: ObjectStore, dir: string, key: string): Promise<boolean> {
  const body = await store.get(key);
  if (body === undefined) return false;
  const path = join(dir, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, body);
  await rename(`${path}.part`, path);
  return true;
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
