/** A sink of a partition, as its processor holds it. */
import type { Sink, SinkBatch, SinkPartition } from '../sinks/sink.ts';
import type { TopicPartition } from '../log/log.ts';

export interface OpenSink<Output> {
  readonly name: string;
  readonly partition: SinkPartition<Output>;
  /** One lands while the other is filled. */
  readonly batches: readonly [SinkBatch<Output>, SinkBatch<Output>];
}

export async function openSink<Output>(sink: Sink<Output>, at: TopicPartition): Promise<OpenSink<Output>> {
  const partition = await sink.open(at);
  return { name: sink.name, partition, batches: [partition.batch(), partition.batch()] };
}
