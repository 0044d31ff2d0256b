/** The prefixes under which a sink has landed objects, one after the other: of one at a time all names are held. */
import type { ObjectEntry, ObjectStore } from '../../../stores/objects/object-store.ts';
import { offsetsIn, type ObjectName } from '../../object-name.ts';

export interface ObjectsOfPrefix {
  readonly prefix: string;
  readonly objects: readonly (ObjectEntry & ObjectName & { readonly name: string })[];
  /** Names directly under it that the sink has not given. */
  readonly others: number;
}

interface Filling {
  readonly objects: (ObjectEntry & ObjectName & { readonly name: string })[];
  others: number;
}

/** @param start of the keys that are looked at */
export async function* prefixesOf(
  store: Pick<ObjectStore, 'entries'>,
  topic: string,
  start: string,
): AsyncGenerator<ObjectsOfPrefix> {
  // Keys come in order: when one comes that is not below a prefix, nothing of that prefix comes any more.
  const open = new Map<string, Filling>();
  for await (const entry of store.entries(start)) {
    for (const [prefix, { objects, others }] of open) {
      if (entry.key.startsWith(`${prefix}/`)) continue;
      open.delete(prefix);
      if (objects.length > 0) yield { prefix, objects, others };
    }
    const slash = entry.key.lastIndexOf('/');
    const name = entry.key.slice(slash + 1);
    const prefix = entry.key.slice(0, Math.max(0, slash));
    const filling = open.get(prefix) ?? { objects: [], others: 0 };
    open.set(prefix, filling);
    const named = slash < 0 ? undefined : offsetsIn(name, topic);
    if (named) filling.objects.push({ ...entry, ...named, name });
    else filling.others += 1;
  }
  for (const [prefix, { objects, others }] of open) if (objects.length > 0) yield { prefix, objects, others };
}
