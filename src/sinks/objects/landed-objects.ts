/**
 * The objects that there are of a partition, by the first offset in their names, for batches that land again (D9) from low offsets to
 * high ones. A store lists by key alone, so all of it is read; of what is found a limited number is kept (D6), and the rest
 * read again when its turn comes.
 */
import type { TopicPartition } from '../../log/log.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { ObjectExtension } from './object-format.ts';

interface Found {
  readonly first: number;
  readonly key: string;
}

/** Some 20 MB. */
const mostKept = 100_000;

export function objectName(
  { topic, partition }: TopicPartition,
  firstOffset: number,
  extension: ObjectExtension = 'json',
): string {
  return `${topic}-${partition}-${firstOffset}.${extension}`;
}

export class LandedObjects {
  readonly #store: Pick<ObjectStore, 'list'>;
  readonly #at: TopicPartition;
  readonly #mostKept: number;
  /** All objects from the first of these offsets to before the second, ascending. */
  #known = { from: 0, to: 0, found: [] as readonly Found[] };

  constructor(store: Pick<ObjectStore, 'list'>, at: TopicPartition, most: number = mostKept) {
    this.#store = store;
    this.#at = at;
    this.#mostKept = most;
  }

  /** Keys of objects whose first offset is `from <= offset < to`, as they are when it is first asked for these or lower offsets. */
  async within({ from, to }: { readonly from: number; readonly to: number }): Promise<readonly string[]> {
    if (from < this.#known.from || to > this.#known.to) this.#known = await this.#read(from, to);
    return this.#known.found.filter(({ first }) => first >= from && first < to).map(({ key }) => key);
  }

  /** At least those before `needed`. */
  async #read(from: number, needed: number) {
    const start = `/${this.#at.topic}-${this.#at.partition}-`;
    let found: Found[] = [];
    let to = Infinity;
    for await (const key of this.#store.list('')) {
      const first = firstOffsetIn(key, start);
      if (first === undefined || first < from || first >= to) continue;
      found.push({ first, key });
      if (found.length < 2 * this.#mostKept) continue;
      found.sort(byFirst);
      to = Math.max(needed, (found[this.#mostKept] as Found).first);
      found = found.filter((one) => one.first < to);
    }
    return { from, to, found: found.toSorted(byFirst) };
  }
}

function firstOffsetIn(key: string, start: string): number | undefined {
  const name = key.slice(key.lastIndexOf('/'));
  const first = name.startsWith(start) ? /^(\d+)\.(?:json|parquet)$/.exec(name.slice(start.length))?.[1] : undefined;
  return first === undefined ? undefined : Number(first);
}

function byFirst(a: Found, b: Found): number {
  return a.first - b.first;
}
