/** Reads dead letters from their topics, oldest first within a partition, from what any process may read. */
import type { LogReader, LogRecord, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readPages } from '../log/read-pages.ts';
import { type VoidPackages, voidRecords } from '../processing/void-packages.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';

const readBytes = 1024 * 1024;

export interface WhichLetters {
  /** Letters that the log took before are left out. Default: none. */
  readonly fromMs?: number;
  /** Letters of void packages are left out. Default: no package can be void. */
  readonly voids?: VoidPackages | undefined;
}

export async function* readDeadLetters(
  log: LogReader,
  topics: readonly string[],
  which: WhichLetters = {},
): AsyncIterable<DeadLetter> {
  for (const topic of new Set(topics))
    for (const at of await partitionsOf(log, topic)) yield* readPartition(log, at, which);
}

async function* readPartition(
  log: LogReader,
  at: TopicPartition,
  { fromMs = 0, voids }: WhichLetters,
): AsyncIterable<DeadLetter> {
  const { start, end } = await log.range(at);
  const from = fromMs > 0 ? await log.offsetAtTime(at, fromMs) : start;
  for await (const { records } of readPages(log, at, { start: from, end }, readBytes)) {
    const out = voids ? await voidRecords(records, voids) : [];
    for (const [index, record] of records.entries()) {
      const letter = record.offset < end && !out[index] ? letterIn(record) : undefined;
      if (letter !== undefined) yield letter;
    }
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
