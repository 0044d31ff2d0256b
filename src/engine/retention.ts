/** Retention of the log by age and size; what a consumer has not landed yet is kept however old it is (D2). */
import type { Logger } from 'pino';
import type { Log, TopicPartition } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { readCheckpoint } from '../processing/checkpoint.ts';
import type { Consumer } from '../processing/lag.ts';

export interface RetentionOptions {
  readonly log: Log;
  readonly state: StateStore;
  readonly consumers: readonly Consumer[];
  /** What others than consumers still need. */
  readonly alsoKeep: () => readonly (TopicPartition & { readonly offset: number })[];
  readonly retentionMs: number;
  readonly retentionBytes: number | undefined;
  readonly logger: Logger;
}

const everyMs = 60_000;

/** Applies retention now and every minute; answers how to stop. */
export function keepRetention(options: RetentionOptions): () => Promise<void> {
  let running = Promise.resolve();
  const turn = (): void => {
    running = running
      .then(() => retainOnce(options))
      .catch((error: unknown) => options.logger.error({ err: error }, 'retention failed'));
  };
  turn();
  const timer = setInterval(turn, everyMs).unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}

async function retainOnce(options: RetentionOptions): Promise<void> {
  const { log, retentionMs, retentionBytes: maxBytes } = options;
  const olderThanMs = Date.now() - retentionMs;
  await log.retain({ olderThanMs, maxBytes }, await landedOffsets(options));
}

async function landedOffsets({
  log,
  state,
  consumers,
  alsoKeep,
}: RetentionOptions): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
  const topics = await log.topics();
  const offsets = [...alsoKeep()];
  for (const { name, topic } of consumers) {
    const partitions = topics.find((spec) => spec.name === topic)?.partitions ?? 0;
    for (let partition = 0; partition < partitions; partition++) {
      const at = { topic, partition };
      offsets.push({ ...at, offset: await readCheckpoint(state, log.id, name, at) });
    }
  }
  return offsets;
}
