/**
 * Several objects become one, by a merge that is kept durably (`compaction-hold.ts`):
 *
 *   merge kept -> parts copied into a file -> its size kept -> put -> parts deleted
 *
 * Exactly once (D3): a kill anywhere leaves the parts whole, or the merged object whole; between the put and the last deletion both are
 * there, and only there does a reader see events twice. Whoever finds the merge does the same again: the parts are not changed by
 * anybody, so that the bytes are the same. Nothing is deleted before the merged object has been seen with the size that was kept.
 */
import { open, rm } from 'node:fs/promises';
import { Fault } from '../../../errors.ts';
import type { CompactionHold, Merge } from '../../../processing/compaction-hold.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';

export interface MergeParts {
  readonly store: Pick<ObjectStore, 'get' | 'putFile' | 'entries' | 'deleteAll'>;
  readonly hold: CompactionHold;
  /** Where the merged object is gathered; nobody else writes it. */
  readonly file: string;
}

/** In memory, where objects are of one size; and requests. */
const readAtOnceBytes = 8 * 1024 * 1024;
const readAtOnce = 32;
const lineEnd = 0x0a;

/** Begins and ends a merge. @returns false where an object is gone meanwhile: nothing has been changed then */
export async function mergeObjects(parts: MergeParts, merge: Omit<Merge, 'bytes'>): Promise<boolean> {
  await parts.hold.intend(merge);
  return finishMerge(parts, merge);
}

/** Does what is left of a merge, its own or one that somebody else was killed in. @returns as `mergeObjects` @throws Fault OBJECT_EXISTS */
export async function finishMerge(parts: MergeParts, merge: Merge): Promise<boolean> {
  if (!(await isPut(parts, merge)) && !(await putMerged(parts, merge)) && !(await isPut(parts, merge))) return false;
  await deleteParts(parts, merge);
  parts.hold.done();
  return true;
}

/** @returns false where a part is gone, as another process that does the same may have come further */
async function putMerged(parts: MergeParts, merge: Merge): Promise<boolean> {
  try {
    const bytes = await gather(parts, merge);
    if (bytes === undefined) return false;
    await parts.hold.intend({ ...merge, bytes });
    await parts.store.putFile(keyOf(merge, merge.into), parts.file);
    return true;
  } finally {
    await rm(parts.file, { force: true });
  }
}

async function isPut({ store }: MergeParts, merge: Merge): Promise<boolean> {
  const { bytes } = merge;
  if (bytes === undefined) return false;
  const key = keyOf(merge, merge.into);
  for await (const found of store.entries(key)) {
    if (found.key !== key) continue;
    if (found.bytes === bytes) return true;
    throw new Fault('OBJECT_EXISTS', `object ${key} is there, with ${found.bytes} bytes in place of ${bytes}`);
  }
  return false;
}

/** @returns its size; undefined where a part is not there */
async function gather({ store, file: path }: MergeParts, merge: Merge): Promise<number | undefined> {
  const file = await open(path, 'w', 0o600);
  let bytes = 0;
  try {
    const { parts } = merge;
    for (let i = 0, count = 1; i < parts.length; i += count) {
      count = i === 0 ? 1 : Math.max(1, Math.min(readAtOnce, Math.floor((readAtOnceBytes * i) / Math.max(1, bytes))));
      const bodies = await Promise.all(parts.slice(i, i + count).map((name) => store.get(keyOf(merge, name))));
      for (const body of bodies) {
        if (body === undefined) return undefined;
        const isWhole = body.length === 0 || body.at(-1) === lineEnd; // unless somebody has changed it by hand
        const lines = isWhole ? body : Buffer.concat([body, Buffer.of(lineEnd)]);
        await file.writeFile(lines);
        bytes += lines.length;
      }
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function deleteParts({ store }: MergeParts, merge: Merge): Promise<void> {
  await store.deleteAll(merge.parts.map((name) => keyOf(merge, name)));
}

function keyOf({ prefix }: Merge, name: string): string {
  return `${prefix}/${name}`;
}
