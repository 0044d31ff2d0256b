/**
 * Retention of the log by age and size; what a consumer has not landed yet is kept however old it is (D2): those that the
 * configuration names, whether they run or not, and those that the keyed state knows from an earlier one, until they are forgotten.
 */
import type { Logger } from 'pino';
import type { Log, PartitionOffset, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { type KnownCheckpoint, knownCheckpoints } from '../processing/checkpoint.ts';
import { dropCuts } from '../processing/cuts.ts';
import { dropDuplicateLists } from '../processing/duplicates.ts';
import { ReplayProgress } from '../processing/replay-progress.ts';
import type { Consumer } from '../processing/consumer.ts';
import { committedOf } from '../processing/lag.ts';

export interface RetentionOptions {
  readonly log: Log;
  readonly state: StateStore;
  readonly views: StateStore;
  /** All that the configuration names. */
  readonly consumers: readonly Consumer[];
  /** What others than consumers still need. */
  readonly alsoKeep: () => readonly PartitionOffset[];
  readonly retentionMs: number;
  readonly retentionBytes: number | undefined;
  readonly logger: Logger;
}

const everyMs = 60_000;

/** Applies retention now and every minute; answers how to stop. */
export function keepRetention(options: RetentionOptions): () => Promise<void> {
  let running = Promise.resolve();
  const told = new Set<string>();
  const onStranger = ({ consumer, topic, partition, next }: KnownCheckpoint): void => {
    if (told.has(consumer)) return;
    told.add(consumer);
    options.logger.warn(
      { consumer, topic, partition, offset: next },
      `the log keeps all that ${consumer} has not landed, but the configuration names no such consumer; ` +
        `if it will not come back, stop Tributary and run: tributary forget ${consumer}`,
    );
  };
  const turn = (): void => {
    running = running
      .then(() => retainOnce(options, onStranger))
      .catch((error: unknown) => options.logger.error({ err: error }, 'retention failed'));
  };
  turn();
  const timer = setInterval(turn, everyMs).unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}

type OnStranger = (checkpoint: KnownCheckpoint) => void;

async function retainOnce(options: RetentionOptions, onStranger: OnStranger): Promise<void> {
  const { log, retentionMs, retentionBytes: maxBytes } = options;
  const olderThanMs = Date.now() - retentionMs;
  const strangers = await strangersTo(options);
  strangers.forEach(onStranger);
  const landed = [...(await landedOffsets(options)), ...strangers.map(({ next, ...at }) => ({ ...at, offset: next }))];
  await log.retain({ olderThanMs, maxBytes }, [...options.alsoKeep(), ...landed]);
  await dropOldCuts(options);
}

async function landedOffsets(options: RetentionOptions): Promise<readonly PartitionOffset[]> {
  const { log, consumers } = options;
  const offsets: PartitionOffset[] = [];
  for (const consumer of consumers) {
    for (const at of await partitionsOf(log, consumer.topic))
      offsets.push({ ...at, offset: await neededFrom(options, consumer, at) });
  }
  return offsets;
}

async function dropOldCuts({ log, state, consumers }: RetentionOptions): Promise<void> {
  for (const { name, topic } of consumers) {
    for (const at of await partitionsOf(log, topic)) {
      const of = { logId: log.id, consumer: name, at };
      const { start } = await log.range(at);
      await dropCuts(state, of, start);
      await dropDuplicateLists(state, of, start);
    }
  }
}

/** What has not landed, and what is to land again (D9). A replay that has stopped keeps nothing: nobody may ever ask for it again. */
async function neededFrom(options: RetentionOptions, consumer: Consumer, at: TopicPartition): Promise<number> {
  const { log, state } = options;
  const { range } = await ReplayProgress.open(state, { logId: log.id, consumer: consumer.name, at });
  const toReplay = range && range.stopped === undefined ? range.next : Infinity;
  return Math.min(await committedOf(options, consumer, at), toReplay);
}

/** Checkpoints of consumers that the configuration does not name, in topics that the log has. */
async function strangersTo({ log, state, consumers }: RetentionOptions): Promise<readonly KnownCheckpoint[]> {
  const topics = new Set((await log.topics()).map(({ name }) => name));
  const strangers: KnownCheckpoint[] = [];
  for await (const known of knownCheckpoints(state, log.id)) {
    const isNamed = consumers.some(({ name, topic }) => name === known.consumer && topic === known.topic);
    if (!isNamed && topics.has(known.topic)) strangers.push(known);
  }
  return strangers;
}
