/** The partitions of a topic; none where there is no such topic. */
import type { LogReader, TopicPartition } from './log.ts';

export async function partitionsOf(log: Pick<LogReader, 'topics'>, topic: string): Promise<readonly TopicPartition[]> {
  const count = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }));
}
