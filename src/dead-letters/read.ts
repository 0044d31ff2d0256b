/** Reads dead letters from their topics, oldest first within a partition, from what any process may read. */
import type { LogReader } from '../log/log.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';

const readBytes = 1024 * 1024;

export async function* readDeadLetters(log: LogReader, topics: readonly string[]): AsyncIterable<DeadLetter> {
  const specs = await log.topics();
  for (const topic of new Set(topics)) {
    const partitions = specs.find(({ name }) => name === topic)?.partitions ?? 0;
    for (let partition = 0; partition < partitions; partition++) yield* readPartition(log, topic, partition);
  }
}

async function* readPartition(log: LogReader, topic: string, partition: number): AsyncIterable<DeadLetter> {
  const at = { topic, partition };
  const { start, end } = await log.range(at);
  for (let next = start; next < end;) {
    const records = await log.read(at, next, { maxBytes: readBytes });
    for (const record of records) if (record.offset < end) yield readDeadLetter(record);
    next += records.length;
  }
}
