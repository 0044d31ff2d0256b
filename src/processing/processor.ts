/** A consumer of a topic: one loop for each of its partitions, each at its own pace. */
import type { TopicPartition } from '../log/log.ts';
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

  private constructor(topic: string, partitions: number, options: ProcessorOptions<Output>) {
    this.consumer = options.consumer;
    this.topic = topic;
    this.#partitions = Array.from(
      { length: partitions },
      (_, partition) => new PartitionProcessor({ topic, partition }, options),
    );
  }

  static async start<Output>(topic: string, options: ProcessorOptions<Output>): Promise<Processor<Output>> {
    const partitions = (await options.log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
    const processor = new Processor(topic, partitions, options);
    for (const partition of processor.#partitions) partition.start();
    return processor;
  }

  progress(): readonly Progress[] {
    return this.#partitions.map(({ at, next }) => ({ ...at, consumer: this.consumer, offset: next }));
  }

  async drain(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.drain()));
  }
}
