/**
 * A sink of objects: for each batch and key prefix one object, `<prefix>/<topic>-<partition>-<first offset>.json`, one line
 * for each event, in the order of the log (D4).
 *
 * Exactly once (D3): the plan names every key that any try of this batch may have written; a redo writes the same keys with
 * the same bytes, or, where code has changed since, replaces and removes what the plan names. Nothing that the plan
 * does not name is ever overwritten (OBJECT_EXISTS). The processor's checkpoint alone says how far it has come: `next` is 0.
 *
 * Where events land again (D9), the objects that there are of these offsets stand for the plan: whatever wrote them.
 */
import { Fault } from '../../errors.ts';
import { asReject } from '../../event/reject.ts';
import type { TopicPartition } from '../../log/log.ts';
import type { NewObject, ObjectStore } from '../../stores/objects/object-store.ts';
import type { Plan, Sink, SinkBatch, SinkRange, Staged } from '../sink.ts';
import { LandedObjects, objectName } from './landed-objects.ts';
import { LineBatch } from './line-batch.ts';

export interface ObjectsSinkOptions<E> {
  readonly store: ObjectStore;
  readonly name: string;
  /** The key prefix of an event's object, without a slash at its end; may throw Reject. */
  readonly key: (event: E) => string;
  /** The event on one line, without the line's end; may throw Reject. */
  readonly serialise: (event: E) => string;
}

export function createObjectsSink<E>(options: ObjectsSinkOptions<E>): Sink<E> {
  return {
    name: options.name,
    open: async (at) => {
      const landed = new LandedObjects(options.store, at);
      return { next: 0, batch: () => new ObjectsBatch(options, at, landed), close: () => Promise.resolve() };
    },
  };
}

class ObjectsBatch<E> implements SinkBatch<E> {
  readonly #options: ObjectsSinkOptions<E>;
  readonly #at: TopicPartition;
  readonly #landed: LandedObjects;
  readonly #lines = new LineBatch();

  constructor(options: ObjectsSinkOptions<E>, at: TopicPartition, landed: LandedObjects) {
    this.#options = options;
    this.#at = at;
    this.#landed = landed;
  }

  add(offset: number, event: E): void {
    try {
      const prefix = this.#options.key(event);
      this.#lines.add(offset, prefix, this.#options.serialise(event));
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
    const { store } = this.#options;
    const earlierPlan = range.replaces ? await this.#landed.within(range) : plan;
    const objects = this.#lines.grouped(range.without).map(({ prefix, firstOffset, body }) => ({
      key: `${prefix}/${objectName(this.#at, firstOffset)}`,
      body,
    }));
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
