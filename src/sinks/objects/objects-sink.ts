/**
 * A sink of objects: for each batch and key prefix one object, `<prefix>/<topic>-<partition>-<first offset>.json`, one line
 * for each event, in the order of the log (D4).
 *
 * Exactly once (D3): the plan names every key that any try of this batch may have written; a redo writes the same keys with
 * the same bytes, or, where code has changed since, replaces and removes what the plan names. Nothing that the plan
 * does not name is ever overwritten (OBJECT_EXISTS). The processor's checkpoint alone says how far it has come: `next` is 0.
 */
import { Fault } from '../../errors.ts';
import { asReject } from '../../event/reject.ts';
import type { TopicPartition } from '../../log/log.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Plan, RejectedEvent, Sink, SinkBatch, Staged } from '../sink.ts';

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
    open: (at) =>
      Promise.resolve({
        next: 0,
        stage: async (batch, earlierPlan) => stage(options, at, batch, earlierPlan ?? []),
        close: () => Promise.resolve(),
      }),
  };
}

interface Rendered {
  readonly bodies: ReadonlyMap<string, Buffer>;
  readonly rejected: readonly RejectedEvent[];
}

function stage<E>(options: ObjectsSinkOptions<E>, at: TopicPartition, batch: SinkBatch<E>, earlierPlan: Plan): Staged {
  const { bodies, rejected } = render(options, at, batch);
  const toDelete = earlierPlan.filter((key) => !bodies.has(key));
  return {
    rejected,
    // With those to delete: a crash before they are gone must not forget them.
    plan: [...bodies.keys(), ...toDelete],
    commit: async () => {
      await write(options.store, bodies, new Set(earlierPlan));
      for (const key of toDelete) await options.store.delete(key);
    },
    abort: () => Promise.resolve(),
  };
}

function render<E>(options: ObjectsSinkOptions<E>, at: TopicPartition, batch: SinkBatch<E>): Rendered {
  const objects = new Map<string, { readonly key: string; text: string }>();
  const rejected: RejectedEvent[] = [];
  for (const { offset, event } of batch.events) {
    try {
      const prefix = options.key(event);
      const line = `${options.serialise(event)}\n`;
      const object = objects.get(prefix);
      if (object) object.text += line;
      else objects.set(prefix, { key: `${prefix}/${at.topic}-${at.partition}-${offset}.json`, text: line });
    } catch (error) {
      const { path, message } = asReject(error, 'place');
      rejected.push({ offset, path, message });
    }
  }
  const bodies = new Map<string, Buffer>();
  for (const { key, text } of objects.values()) bodies.set(key, Buffer.from(text));
  return { bodies, rejected };
}

/** Also what is there already, with the same bytes: a crash may have come before its name was synced. */
async function write(store: ObjectStore, bodies: ReadonlyMap<string, Buffer>, mayReplace: ReadonlySet<string>) {
  const unplanned = [...bodies].filter(([key]) => !mayReplace.has(key));
  await Promise.all(
    unplanned.map(async ([key, body]) => {
      const found = await store.get(key);
      if (found && !found.equals(body))
        throw new Fault('OBJECT_EXISTS', `object ${key} is there already, with other content`);
    }),
  );
  await store.putAll([...bodies].map(([key, body]) => ({ key, body })));
}
