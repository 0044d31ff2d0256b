/** All that the keyed state has of a consumer, to be let go of. */
import type { StateStore } from '../stores/state/state-store.ts';
import { knownCheckpoints } from './checkpoint.ts';
import { cutKeysOf } from './cuts.ts';
import { replayKeysOf } from './replay-progress.ts';

/** Undefined where it has never kept a checkpoint for this log. */
export async function keysOfConsumer(state: StateStore, logId: string, consumer: string) {
  const checkpoints: string[] = [];
  for await (const known of knownCheckpoints(state, logId))
    if (known.consumer === consumer) checkpoints.push(known.key);
  if (checkpoints.length === 0) return undefined;
  const more = [...(await cutKeysOf(state, logId, consumer)), ...(await replayKeysOf(state, logId, consumer))];
  return { checkpoints: checkpoints.length, all: [...checkpoints, ...more] };
}
