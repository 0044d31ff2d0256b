/**
 * A sink of objects: for each batch and key prefix one object, `<prefix>/<topic>-<partition>-<first offset>.json` (or
 * `.parquet`), one line or row for each event, in the order of the log (D4).
 *
 * Exactly once (D3): the plan names every key that any try of this batch may have written; a redo writes the same keys with
 * the same bytes, or, where code or format has changed since, replaces and removes what the plan names. Nothing that the plan
 * does not name is ever overwritten (OBJECT_EXISTS). The processor's checkpoint alone says how far it has come: `next` is 0.
 *
 * Where events land again (D9), the objects that there are of these offsets stand for the plan: whatever wrote them.
 */
import { Fault } from '../../errors.ts';
import { asReject } from '../../event/reject.ts';
import type { TopicPartition } from '../../log/log.ts';
import type { NewObject, ObjectStore } from '../../stores/objects/object-store.ts';
import type { Plan, Sink, SinkBatch, SinkRange, Staged } from '../sink.ts';
import { LandedObjects } from './landed-objects.ts';
import { objectName } from '../object-name.ts';
import { LineBatch } from './line-batch.ts';
import type { ObjectFormat } from './object-format.ts';

export interface ObjectsSinkOptions<E> {
  readonly store: ObjectStore;
  readonly name: string;
  /** The key prefix of an event's object, without a slash at its end; may throw Reject. */
  readonly key: (event: E) => string;
  /** Asked for with each partition. */
  readonly format: () => Promise<ObjectFormat<E>>;
}

export function createObjectsSink<E>(options: ObjectsSinkOptions<E>): Sink<E> {
  return {
    name: options.name,
    open: async (at) => {
      const format = await options.format();
      const landed = new LandedObjects(options.store, at);
      const batch = () => new ObjectsBatch({ ...options, format, at, landed });
      return { next: 0, batch, close: () => Promise.resolve() };
    },
  };
}

interface BatchOptions<E> extends Pick<ObjectsSinkOptions<E>, 'store' | 'key'> {
  readonly format: ObjectFormat<E>;
  readonly at: TopicPartition;
  readonly landed: LandedObjects;
}

class ObjectsBatch<E> implements SinkBatch<E> {
  readonly #options: BatchOptions<E>;
  readonly #lines = new LineBatch();

  constructor(options: BatchOptions<E>) {
    this.#options = options;
  }

  add(offset: number, event: E): void {
    const { key, format } = this.#options;
    try {
      const prefix = key(event);
      this.#lines.add(offset, prefix, format.serialise(event));
    } catch (error) {
      throw asReject(error, 'place');
    }
  }

  removeLast(): void {
    this.#lines.removeLast();
  }

  clear(): void {
    this.#lines.clear();
  }

  async stage(range: SinkRange, plan: Plan = []): Promise<Staged> {
    const { store, landed } = this.#options;
    const earlierPlan = range.replaces ? await landed.within(range) : plan;
    const objects = await this.#objects(range.without);
    const staged = await store.stage(await refuseOthers(store, objects, new Set(earlierPlan)));
    const keys = new Set(objects.map(({ key }) => key));
    const toDelete = earlierPlan.filter((key) => !keys.has(key));
    return {
      rejected: [],
      // With those to delete: a crash before they are gone must not forget them.
      plan: [...keys, ...toDelete],
      commit: async () => {
        await staged.commit();
        for (const key of toDelete) await store.delete(key);
      },
      abort: () => staged.abort(),
    };
  }

  /** One after the other: a format may need much memory for each. */
  async #objects(without: ReadonlySet<number>): Promise<readonly NewObject[]> {
    const { format, at } = this.#options;
    const objects: NewObject[] = [];
    for (const { prefix, firstOffset, body } of this.#lines.grouped(without))
      objects.push({
        key: `${prefix}/${objectName(at, firstOffset, format.extension)}`,
        body: await format.bodyOf(body),
      });
    return objects;
  }
}

/**
 * What is there already with the same bytes is written again: a crash may have come before its name was synced. What is not
 * there is to be new by the commit, too: between, a node that took over may have written it.
 */
async function refuseOthers(
  store: ObjectStore,
  objects: readonly NewObject[],
  mayReplace: ReadonlySet<string>,
): Promise<readonly NewObject[]> {
  return Promise.all(
    objects.map(async ({ key, body }) => {
      if (mayReplace.has(key)) return { key, body };
      const found = await store.get(key);
      if (found && !found.equals(body))
        throw new Fault('OBJECT_EXISTS', `object ${key} is there already, with other content`);
      return { key, body, isNew: found === undefined };
    }),
  );
}
