/** A stretch of a partition, page by page. */
import type { LogReader, OffsetRange, Page, TopicPartition } from './log.ts';

/** Until `end` is reached: the last page may have records behind it, too. @throws Fault OFFSET_OUT_OF_RANGE, LOG_ROTTEN, LOG_UNAVAILABLE */
export async function* readPages(
  log: Pick<LogReader, 'read'>,
  at: TopicPartition,
  { start, end }: OffsetRange,
  maxBytes: number,
): AsyncGenerator<Page> {
  for (let next = start; next < end;) {
    const page = await log.read(at, next, { maxBytes });
    yield page;
    next = page.next;
  }
}
