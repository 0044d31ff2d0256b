/** All objects of a store with their text; what is in Parquet as lines that can be compared, or one that is no JSON where it is torn. */
import { isParquet, linesOf } from '../sinks/object-lines.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';

const readAtOnce = 32;

/** Several at a time: a store may be on another machine. */
export async function* objectTexts(store: ObjectStore): AsyncGenerator<readonly [key: string, text: string]> {
  const text = async (key: string) => [key, await textOf(key, await store.get(key))] as const;
  let keys: string[] = [];
  for await (const key of store.list('')) {
    keys.push(key);
    if (keys.length < readAtOnce) continue;
    yield* await Promise.all(keys.map(text));
    keys = [];
  }
  yield* await Promise.all(keys.map(text));
}

async function textOf(key: string, body: Buffer | undefined): Promise<string> {
  if (body === undefined) return '';
  if (!isParquet(key)) return body.toString();
  const lines = await linesOf(key, body).catch((error: unknown) => [String(error)]); // which is no JSON: told as torn
  return lines.map((line) => `${line}\n`).join('');
}
