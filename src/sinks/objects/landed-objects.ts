/**
 * The objects that there are of a partition, by the offsets in their names, for batches that land again (D9) from low offsets to
 * high ones. A store lists by key alone, so all of it is read; of what is found a limited number is kept (D6), and the rest
 * read again when its turn comes.
 */
import { Fault } from '../../errors.ts';
import type { TopicPartition } from '../../log/log.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { offsetsIn } from '../object-name.ts';

interface Found {
  readonly first: number;
  readonly last: number;
  readonly key: string;
}

/** Some 20 MB. */
const mostKept = 100_000;

export class LandedObjects {
  readonly #store: Pick<ObjectStore, 'list'>;
  readonly #at: TopicPartition;
  readonly #mostKept: number;
  /** All objects that have offsets from the first of these to before the second, ascending. */
  #known = { from: 0, to: 0, found: [] as readonly Found[] };

  constructor(store: Pick<ObjectStore, 'list'>, at: TopicPartition, most: number = mostKept) {
    this.#store = store;
    this.#at = at;
    this.#mostKept = most;
  }

  /**
   * Keys of objects whose first offset is `from <= offset < to`, as they are when it is first asked for these or lower offsets.
   * @throws Fault REPLAY_IMPOSSIBLE where one was merged that has others, too
   */
  async within({ from, to }: { readonly from: number; readonly to: number }): Promise<readonly string[]> {
    if (from < this.#known.from || to > this.#known.to) this.#known = await this.#read(from, to);
    const found = this.#known.found.filter(({ first, last }) => first < to && last >= from);
    const wider = found.find(({ first, last }) => first < from || last >= to);
    if (wider)
      throw new Fault(
        'REPLAY_IMPOSSIBLE',
        `object ${wider.key} holds more than the offsets ${from} to ${to} of a stretch, which would be lost with it`,
      );
    return found.map(({ key }) => key);
  }

  /** At least those before `needed`. */
  async #read(from: number, needed: number) {
    const { topic, partition } = this.#at;
    let found: Found[] = [];
    let to = Infinity;
    for await (const key of this.#store.list('')) {
      const slash = key.lastIndexOf('/');
      const named = slash < 0 ? undefined : offsetsIn(key.slice(slash + 1), topic);
      if (named?.partition !== partition || named.last < from || named.first >= to) continue;
      found.push({ first: named.first, last: named.last, key });
      if (found.length < 2 * this.#mostKept) continue;
      found.sort(byFirst);
      to = Math.max(needed, (found[this.#mostKept] as Found).first);
      found = found.filter((one) => one.first < to);
    }
    return { from, to, found: found.toSorted(byFirst) };
  }
}

function byFirst(a: Found, b: Found): number {
  return a.first - b.first;
}
