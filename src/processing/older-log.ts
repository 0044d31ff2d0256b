/**
 * A data directory that was restored may be older than the database that its pipelines land in. Its log then gives offsets to new events
 * that the table takes for landed: they would vanish (D2). Where others append, too, the log is not in the data directory, and may be
 * newer than the state: there a sink has what the log has.
 */
import { Fault } from '../errors.ts';
import type { Log, TopicPartition } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { Checkpoint } from './checkpoint.ts';
import type { OpenSink } from './open-sink.ts';

export interface Opened {
  readonly log: Log;
  readonly state: StateStore;
  readonly consumer: string;
}

/** @throws Fault LOG_OLDER where a sink is past all that the state knows of */
export async function refuseOlderLog<Output>(
  { log, state, consumer }: Opened,
  at: TopicPartition,
  checkpoint: Checkpoint,
  sinks: readonly OpenSink<Output>[],
): Promise<void> {
  const [ahead] = sinks.toSorted((one, other) => other.partition.next - one.partition.next);
  if (log.writtenEnd !== undefined || ahead === undefined || ahead.partition.next <= checkpoint.furthest) return;
  const { next } = ahead.partition;
  if (checkpoint.isNew) {
    if (next <= (await log.range(at)).end) return checkpoint.beginWithSinkAt(next);
    await checkpoint.advance(0); // so that it is known however far the log goes on until the next look
  }
  // Another owner may have moved both since.
  const { furthest } = await Checkpoint.open(state, { logId: log.id, consumer, at });
  if (next <= furthest) return;
  throw new Fault(
    'LOG_OLDER',
    `${ahead.name} of ${consumer} has come to offset ${next} of ${at.topic}-${at.partition}, and the keyed state knows of ${furthest}`,
  );
}
