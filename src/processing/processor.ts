/**
 * A consumer of a topic: one loop for each partition that is this process's to process, each at its own pace, and one beside it for
 * replays (D9). Which these are the log says, where several processes share a topic; one that is taken away lands what it has in hand.
 */
import type { Member, TopicPartition } from '../log/log.ts';
import { Ownership } from './ownership.ts';
import { PartitionReplayer } from './partition-replayer.ts';
import { PartitionProcessor, type ProcessorOptions } from './partition-processor.ts';
import { stateId } from './state-id.ts';

/** Everything below the offset has landed. */
export interface Progress extends TopicPartition {
  readonly consumer: string;
  readonly offset: number;
}

interface Loops<Output> {
  readonly processor: PartitionProcessor<Output>;
  readonly replayer: PartitionReplayer<Output> | undefined;
}

export class Processor<Output> {
  readonly consumer: string;
  readonly topic: string;
  readonly #options: ProcessorOptions<Output>;
  /** By partition. */
  readonly #loops = new Map<number, Loops<Output>>();
  /** Loops of partitions that were taken away, until they have landed what they had in hand. */
  readonly #leaving = new Map<number, Promise<void>>();
  readonly #joined = Promise.withResolvers<Member>();
  #isDraining = false;

  private constructor(topic: string, options: ProcessorOptions<Output>) {
    this.consumer = options.consumer;
    this.topic = topic;
    this.#options = options;
  }

  static async start<Output>(topic: string, options: ProcessorOptions<Output>): Promise<Processor<Output>> {
    const processor = new Processor(topic, options);
    const { consumer, log, state, observer } = options;
    const member = await log.join({
      consumer,
      topic,
      stateId: () => stateId(state),
      onAssigned: (partitions) => {
        observer.assigned(
          topic,
          partitions.map(({ partition }) => partition),
        );
        processor.#assign(partitions);
      },
      onError: (error) => observer.unassigned(topic, error),
    });
    processor.#joined.resolve(member);
    return processor;
  }

  progress(): readonly Progress[] {
    return [...this.#loops.values()].map(({ processor: { at, next } }) => ({
      ...at,
      consumer: this.consumer,
      offset: next,
    }));
  }

  /** Replays have been asked for (`replays.ts`). */
  replay(): void {
    for (const { replayer } of this.#loops.values()) replayer?.wake();
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#assign([]);
    await Promise.all(this.#leaving.values());
    await (await this.#joined.promise).leave();
  }

  #assign(partitions: readonly TopicPartition[]): void {
    const wanted = new Map(this.#isDraining ? [] : partitions.map((at) => [at.partition, at]));
    for (const [partition, loops] of this.#loops) if (!wanted.has(partition)) this.#stop(partition, loops);
    for (const at of wanted.values()) if (!this.#loops.has(at.partition)) this.#begin(at);
  }

  #begin(at: TopicPartition): void {
    const options = this.#options;
    const ownership = new Ownership(at, this.#joined.promise);
    const loops: Loops<Output> = {
      processor: new PartitionProcessor(ownership, options),
      replayer: options.checkReplayable && new PartitionReplayer(ownership, options),
    };
    this.#loops.set(at.partition, loops);
    const start = (): void => {
      if (this.#loops.get(at.partition) !== loops) return; // it was taken away again
      loops.processor.start();
      loops.replayer?.start();
    };
    const leaving = this.#leaving.get(at.partition);
    if (leaving) void leaving.then(start);
    else start();
  }

  #stop(partition: number, { processor, replayer }: Loops<Output>): void {
    this.#loops.delete(partition);
    const before = this.#leaving.get(partition);
    const landInHand = async (): Promise<void> => {
      await Promise.all([before, processor.drain(), replayer?.drain()]);
      if (this.#leaving.get(partition) === left) this.#leaving.delete(partition);
    };
    const left = landInHand();
    this.#leaving.set(partition, left);
  }
}
