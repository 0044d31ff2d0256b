/**
 * Offsets at which batches ended, a few of them for each partition: between two cuts lie whole batches, and so whole objects.
 * A replay (D9) lands everything between two cuts in one go. Kept beside the checkpoint, in the same change.
 */
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import { type ConsumerPartition, sortableOffset, stateKey } from './consumer-partition.ts';

export function cutPut(of: ConsumerPartition, offset: number): StatePut {
  return { key: keyOf(of, offset), value: Buffer.alloc(0) };
}

/** Ascending. */
export async function readCuts(state: StateStore, of: ConsumerPartition): Promise<number[]> {
  const cuts: number[] = [];
  const prefix = prefixOf(of);
  for await (const [key] of state.entries(prefix)) cuts.push(Number(key.slice(prefix.length)));
  return cuts;
}

/** Those that no replay can begin at any more, because the log begins behind them. */
export async function dropCuts(state: StateStore, of: ConsumerPartition, below: number): Promise<void> {
  const gone = (await readCuts(state, of)).filter((cut) => cut < below);
  if (gone.length > 0) await state.commit({ delete: gone.map((cut) => keyOf(of, cut)) });
}

/** Where they are kept. */
export async function cutKeys(state: StateStore, of: ConsumerPartition): Promise<readonly string[]> {
  return (await readCuts(state, of)).map((cut) => keyOf(of, cut));
}

function prefixOf(of: ConsumerPartition): string {
  return `${stateKey('cut', of)}/`;
}

function keyOf(of: ConsumerPartition, offset: number): string {
  return prefixOf(of) + sortableOffset(offset);
}
