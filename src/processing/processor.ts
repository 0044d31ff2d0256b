/** A consumer of a topic: one loop for each of its partitions, each at its own pace, and one beside it for replays (D9). */
import type { TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import { PartitionReplayer } from './partition-replayer.ts';
import { PartitionProcessor, type ProcessorOptions } from './partition-processor.ts';

/** Everything below the offset has landed. */
export interface Progress extends TopicPartition {
  readonly consumer: string;
  readonly offset: number;
}

export class Processor<Output> {
  readonly consumer: string;
  readonly topic: string;
  readonly #partitions: readonly PartitionProcessor<Output>[];
  readonly #replayers: readonly PartitionReplayer<Output>[];

  private constructor(topic: string, all: readonly TopicPartition[], options: ProcessorOptions<Output>) {
    this.consumer = options.consumer;
    this.topic = topic;
    this.#partitions = all.map((at) => new PartitionProcessor(at, options));
    this.#replayers = options.checkReplayable ? all.map((at) => new PartitionReplayer(at, options)) : [];
  }

  static async start<Output>(topic: string, options: ProcessorOptions<Output>): Promise<Processor<Output>> {
    const processor = new Processor(topic, await partitionsOf(options.log, topic), options);
    for (const loop of [...processor.#partitions, ...processor.#replayers]) loop.start();
    return processor;
  }

  progress(): readonly Progress[] {
    return this.#partitions.map(({ at, next }) => ({ ...at, consumer: this.consumer, offset: next }));
  }

  /** Replays have been asked for (`replays.ts`). */
  replay(): void {
    for (const replayer of this.#replayers) replayer.wake();
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#partitions, ...this.#replayers].map((loop) => loop.drain()));
  }
}
