/** All that a partition of a log has. */
import type { LogReader, LogRecord, TopicPartition } from '../../src/log/log.ts';

export async function recordsIn(log: LogReader, at: TopicPartition, maxBytes = 1 << 20): Promise<LogRecord[]> {
  const { start, end } = await log.range(at);
  const records: LogRecord[] = [];
  for (let next = start; next < end;) {
    const page = await log.read(at, next, { maxBytes });
    records.push(...page.records);
    next = page.next;
  }
  return records;
}
