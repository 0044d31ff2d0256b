/** All that the keyed state has of a consumer, to be let go of. */
import type { StateStore } from '../stores/state/state-store.ts';
import { knownCheckpoints } from './checkpoint.ts';
import { cutKeys } from './cuts.ts';
import { duplicateListKeys } from './duplicates.ts';
import { openingKey } from './opening.ts';
import { replayKey } from './replay-progress.ts';

/** Undefined where it has never kept a checkpoint for this log. */
export async function keysOfConsumer(state: StateStore, logId: string, consumer: string) {
  const all: string[] = [];
  let checkpoints = 0;
  for await (const { key, topic, partition, ...known } of knownCheckpoints(state, logId)) {
    if (known.consumer !== consumer) continue;
    const of = { logId, consumer, at: { topic, partition } };
    all.push(key, replayKey(of), openingKey(of), ...(await cutKeys(state, of)));
    all.push(...(await duplicateListKeys(state, of)));
    checkpoints += 1;
  }
  return checkpoints === 0 ? undefined : { checkpoints, all };
}
