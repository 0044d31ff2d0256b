/**
 * Finds an event's record without reading the whole log: a correlation id tells when its package began to come in, and the
 * log can be entered by time.
 */
import type { LogReader, LogRecord, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import { headerText } from '../log/record-header.ts';

/** From the first byte of a package to the log: a request may take five minutes (api/server.ts), and then wait for room. */
export const longestReceiptMs = 10 * 60_000;
const readBytes = 1024 * 1024;

export interface FoundRecord {
  readonly at: TopicPartition;
  readonly record: LogRecord;
}

/** The records of a topic that the log took within these times, partition by partition. */
export async function* recordsBetween(
  log: LogReader,
  topic: string,
  fromMs: number,
  toMs: number,
): AsyncGenerator<FoundRecord> {
  for (const at of await partitionsOf(log, topic)) {
    const { end } = await log.range(at);
    let next = await log.offsetAtTime(at, fromMs);
    while (next < end) {
      const page = await log.read(at, next, { maxBytes: readBytes });
      for (const record of page.records) if (record.timeMs <= toMs) yield { at, record };
      next = (page.records.at(-1)?.timeMs ?? 0) > toMs ? end : page.next;
    }
  }
}

/** Most packages are in the log within a second: what came later is read only where they are not. */
const windowsMs = [1_000, 10_000, Infinity];

/** The first record that fits, of those that the log took within these times. */
export async function findRecord(
  log: LogReader,
  topic: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  fits: (correlationId: string) => boolean,
): Promise<FoundRecord | undefined> {
  let from = fromMs;
  for (const window of windowsMs) {
    const to = Math.min(toMs, fromMs + window);
    for await (const found of recordsBetween(log, topic, from, to))
      if (fits(headerText(found.record, 'correlationId'))) return found;
    if (to === toMs) return undefined;
    from = to + 1;
  }
  return undefined;
}
