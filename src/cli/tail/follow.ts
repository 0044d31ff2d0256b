/** Records of partitions as they come: in order within each, without end. */
import { isFault } from '../../errors.ts';
import type { LogReader, LogRecord, Page, TopicPartition } from '../../log/log.ts';

export interface FollowOptions {
  readonly log: LogReader;
  readonly at: TopicPartition;
  readonly from: number;
  readonly signal: AbortSignal;
  /** Retention was faster than the reader: records up to this offset were removed unread. */
  readonly onGap: (at: TopicPartition, from: number, to: number) => void;
}

const readBytes = 256 * 1024;

/** Ends when the signal is aborted. */
export async function* follow({ log, at, from, signal, onGap }: FollowOptions): AsyncGenerator<LogRecord> {
  for (let next = from; !signal.aborted;) {
    let page: Page;
    try {
      page = await log.read(at, next, { maxBytes: readBytes });
    } catch (error) {
      const { start } = await log.range(at);
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE') || start <= next) throw error;
      onGap(at, next, start);
      next = start;
      continue;
    }
    yield* page.records;
    const isEnd = page.next === next;
    next = page.next;
    if (isEnd && !(await hasMore(log, at, next, signal))) return;
  }
}

/** False when the signal was aborted first. */
async function hasMore(log: LogReader, at: TopicPartition, next: number, signal: AbortSignal): Promise<boolean> {
  try {
    await log.waitPast(at, next, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
