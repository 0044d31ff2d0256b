/**
 * Which processors have not opened their sinks yet since the program started. Until then nobody knows whether all below their
 * checkpoints is still there: a sink whose database is another, or was restored, sends its processor back. Kept in the keyed state,
 * where other processes look (`tributary lag --wait`).
 */
import type { LogReader, TopicPartition } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { Consumer } from './lag.ts';

const nothing = new Uint8Array();

/** Before the program says that it runs. Who has landed nothing yet cannot be sent back. @throws Fault STATE_FULL */
export async function noteOpening(
  { log, state }: { readonly log: LogReader; readonly state: StateStore },
  consumers: readonly Consumer[],
): Promise<void> {
  const keys: string[] = [];
  for (const { name, topic } of consumers) {
    for (const at of await partitionsOf(log, topic)) {
      if ((await readCheckpoint(state, log.id, name, at)) > 0) keys.push(openingKey(log.id, name, at));
    }
  }
  if (keys.length > 0) await state.commit({ put: keys.map((key) => ({ key, value: nothing })) });
}

/** The checkpoint is by now as far back as its sinks are. @throws Fault STATE_FULL */
export async function noteOpened(
  state: StateStore,
  logId: string,
  consumer: string,
  at: TopicPartition,
): Promise<void> {
  const key = openingKey(logId, consumer, at);
  if ((await state.get(key)) !== undefined) await state.commit({ delete: [key] });
}

export async function isOpening(
  state: StateStore,
  logId: string,
  consumer: string,
  at: TopicPartition,
): Promise<boolean> {
  return (await state.get(openingKey(logId, consumer, at))) !== undefined;
}

/** Where it is kept. */
export function openingKey(logId: string, consumer: string, { topic, partition }: TopicPartition): string {
  return `opening/${logId}/${consumer}/${topic}/${partition}`;
}
