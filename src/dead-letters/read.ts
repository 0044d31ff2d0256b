/** Reads dead letters from their topics, oldest first within a partition, from what any process may read. */
import type { LogReader, LogRecord, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';

const readBytes = 1024 * 1024;

/** @param fromMs letters that the log took before are left out */
export async function* readDeadLetters(
  log: LogReader,
  topics: readonly string[],
  fromMs = 0,
): AsyncIterable<DeadLetter> {
  for (const topic of new Set(topics))
    for (const at of await partitionsOf(log, topic)) yield* readPartition(log, at, fromMs);
}

async function* readPartition(log: LogReader, at: TopicPartition, fromMs: number): AsyncIterable<DeadLetter> {
  const { start, end } = await log.range(at);
  const from = fromMs > 0 ? await log.offsetAtTime(at, fromMs) : start;
  for (let next = from; next < end;) {
    const page = await log.read(at, next, { maxBytes: readBytes });
    for (const record of page.records) {
      const letter = record.offset < end ? letterIn(record) : undefined;
      if (letter !== undefined) yield letter;
    }
    next = page.next;
  }
}

/** What others wrote into the topic is no letter of ours. */
function letterIn(record: LogRecord): DeadLetter | undefined {
  try {
    return readDeadLetter(record);
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
