/** All objects of a store with their text. */
import type { ObjectStore } from '../stores/objects/object-store.ts';

const readAtOnce = 32;

/** Several at a time: a store may be on another machine. */
export async function* objectTexts(store: ObjectStore): AsyncGenerator<readonly [key: string, text: string]> {
  const text = async (key: string) => [key, (await store.get(key))?.toString() ?? ''] as const;
  let keys: string[] = [];
  for await (const key of store.list('')) {
    keys.push(key);
    if (keys.length < readAtOnce) continue;
    yield* await Promise.all(keys.map(text));
    keys = [];
  }
  yield* await Promise.all(keys.map(text));
}
