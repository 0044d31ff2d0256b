/** Generations of a view that are let go of: what interrupted rebuilds have left, what was replaced, and all of a view that is forgotten. */
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import {
  doomedPrefix,
  generationKey,
  generationPrefix,
  isPosition,
  knownViews,
  rebuildingKey,
  viewConsumer,
  type ViewIdentity,
} from './view-keys.ts';

const deletedAtOnce = 5_000;

/** Its entries may go, unless it comes to answer. */
export function doom(of: ViewIdentity, generation: string): StatePut {
  return { key: doomedPrefix(of) + generation, value: Buffer.alloc(0) };
}

/** @param but not this one @returns how many partitions they had */
export async function deleteDoomed(store: StateStore, of: ViewIdentity, but?: string): Promise<number> {
  const own = but === undefined ? undefined : doom(of, but).key;
  const doomed: string[] = [];
  for await (const [key] of store.entries(doomedPrefix(of))) if (key !== own) doomed.push(key);
  let partitions = 0;
  for (const key of doomed) {
    partitions += await deleteAll(store, generationPrefix(key.slice(doomedPrefix(of).length)));
    await store.commit({ delete: [key] });
  }
  return partitions;
}

async function deleteAll(store: StateStore, prefix: string): Promise<number> {
  let partitions = 0;
  for (let some: string[] = []; ; some = []) {
    for await (const [key] of store.entries(prefix)) if (some.push(key) === deletedAtOnce) break;
    if (some.length === 0) return partitions;
    await store.commit({ delete: some });
    partitions += some.filter(isPosition).length;
  }
}

/** The view of that name as a consumer, or all views of the pipeline of that name. */
export async function viewsOf(store: StateStore, logId: string, consumer: string): Promise<readonly ViewIdentity[]> {
  const known = await knownViews(store, logId);
  return known.filter((of) => consumer === of.pipeline || consumer === viewConsumer(of));
}

/** Nobody may keep it. May be done again where it was interrupted. @returns how many partitions it had */
export async function forgetView(store: StateStore, of: ViewIdentity): Promise<number> {
  const answering = await store.get(generationKey(of));
  const put = answering ? [doom(of, answering.toString())] : [];
  await store.commit({ put, delete: [generationKey(of), rebuildingKey(of)] }); // no rebuild can commit from now on
  return deleteDoomed(store, of);
}
