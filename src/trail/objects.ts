/**
 * Objects of events: a batch's object is named for the first offset of the batch that went into it, so an event's is the one with
 * the greatest first offset that is not after its own; so it is with several that were merged.
 */
import type { TopicPartition } from '../log/log.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import { offsetsIn } from '../sinks/object-name.ts';
import { comparableLine, isParquet, linesOf } from '../sinks/object-lines.ts';
import type { ObjectLine } from './trail.ts';

type Objects = Pick<ObjectStore, 'get' | 'list'>;

/** @param prefix of the pipeline's key of the event */
export async function objectsOfPrefix(
  objects: Objects,
  prefix: string,
  { topic, partition }: TopicPartition,
): Promise<(offset: number) => string | undefined> {
  const found: { readonly first: number; readonly key: string }[] = [];
  for await (const key of objects.list(`${prefix}/${topic}-${partition}-`)) {
    const offsets = offsetsIn(key.slice(prefix.length + 1), topic);
    if (offsets) found.push({ first: offsets.first, key });
  }
  found.sort((a, b) => a.first - b.first);
  return (offset) => found.findLast(({ first }) => first <= offset)?.key;
}

/** The lines that are wanted, by number; of Parquet, the rows. */
export async function linesIn(
  objects: Objects,
  key: string,
  wanted: ReadonlySet<string>,
): Promise<readonly ObjectLine[]> {
  const body = await objects.get(key);
  if (body === undefined) return [];
  const asThere = isParquet(key) ? new Set([...wanted].map(comparableLine)) : wanted;
  return (await linesOf(key, body)).flatMap((line, i) => (asThere.has(line) ? [{ key, line: i + 1 }] : []));
}
