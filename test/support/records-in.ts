/** All that a partition of a log has. */
import type { LogReader, LogRecord, TopicPartition } from '../../src/log/log.ts';
import { readPages } from '../../src/log/read-pages.ts';

export async function recordsIn(log: LogReader, at: TopicPartition, maxBytes = 1 << 20): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const page of readPages(log, at, await log.range(at), maxBytes)) records.push(...page.records);
  return records;
}
