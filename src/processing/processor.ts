/**
 * A consumer of a topic: one loop for each partition that is this process's to process, each at its own pace, and one beside it for
 * replays (D9). Which these are the log says, where several processes share a topic; one that is taken away lands what it has in hand.
 */
import type { Member, TopicPartition } from '../log/log.ts';
import { AssignedLoops, type Loop } from './assigned-loops.ts';
import { Ownership } from './ownership.ts';
import { PartitionReplayer } from './partition-replayer.ts';
import { PartitionProcessor, type ProcessorOptions } from './partition-processor.ts';
import { stateId } from './state-id.ts';

/** Everything below the offset has landed. */
export interface Progress extends TopicPartition {
  readonly consumer: string;
  readonly offset: number;
}

interface PartitionLoops<Output> extends Loop {
  readonly processor: PartitionProcessor<Output>;
  readonly replayer: PartitionReplayer<Output> | undefined;
}

export class Processor<Output> {
  readonly consumer: string;
  readonly topic: string;
  readonly #options: ProcessorOptions<Output>;
  readonly #loops = new AssignedLoops((at) => this.#loopsOf(at));
  readonly #joined = Promise.withResolvers<Member>();

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
        processor.#loops.assign(partitions);
      },
      onError: (error) => observer.unassigned(topic, error),
    });
    processor.#joined.resolve(member);
    return processor;
  }

  progress(): readonly Progress[] {
    return this.#loops.all().map(({ processor: { at, next } }) => ({ ...at, consumer: this.consumer, offset: next }));
  }

  /** Replays have been asked for (`replays.ts`). */
  replay(): void {
    for (const { replayer } of this.#loops.all()) replayer?.wake();
  }

  async drain(): Promise<void> {
    await this.#loops.drain();
    await (await this.#joined.promise).leave();
  }

  #loopsOf(at: TopicPartition): PartitionLoops<Output> {
    const ownership = new Ownership(at, this.#joined.promise);
    const processor = new PartitionProcessor(ownership, this.#options);
    const replayer = this.#options.checkReplayable && new PartitionReplayer(ownership, this.#options);
    return {
      processor,
      replayer,
      start: () => {
        processor.start();
        replayer?.start();
      },
      drain: async () => void (await Promise.all([processor.drain(), replayer?.drain()])),
    };
  }
}
