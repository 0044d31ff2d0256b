/**
 * Which processors have not opened their sinks yet since the program started. Until then nobody knows whether all below their
 * checkpoints is still there: a sink whose database is another, or was restored, sends its processor back. Kept in the keyed state,
 * where other processes look (`tributary lag --wait`).
 */
import type { LogReader } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { Consumer } from './consumer.ts';
import { type ConsumerPartition, stateKey } from './consumer-partition.ts';

const nothing = new Uint8Array();

/** Before the program says that it runs. Who has landed nothing yet cannot be sent back. @throws Fault STATE_FULL */
export async function noteOpening(
  { log, state }: { readonly log: LogReader; readonly state: StateStore },
  consumers: readonly Consumer[],
): Promise<void> {
  const keys: string[] = [];
  for (const { name, topic } of consumers) {
    for (const at of await partitionsOf(log, topic)) {
      const of = { logId: log.id, consumer: name, at };
      if ((await readCheckpoint(state, of)) > 0) keys.push(openingKey(of));
    }
  }
  if (keys.length > 0) await state.commit({ put: keys.map((key) => ({ key, value: nothing })) });
}

/** The checkpoint is by now as far back as its sinks are. @throws Fault STATE_FULL */
export async function noteOpened(state: StateStore, of: ConsumerPartition): Promise<void> {
  const key = openingKey(of);
  if ((await state.get(key)) !== undefined) await state.commit({ delete: [key] });
}

export async function isOpening(state: StateStore, of: ConsumerPartition): Promise<boolean> {
  return (await state.get(openingKey(of))) !== undefined;
}

/** Where it is kept. */
export function openingKey(of: ConsumerPartition): string {
  return stateKey('opening', of);
}
