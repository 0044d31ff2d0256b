/** Reads the records of one batch, a page at a time, so that what was made of a page can be forgotten before the next. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, LogRecord, Page, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import type { OffsetWindow } from './offset-window.ts';

/** Bytes of records: few enough for their events to die young. */
const pageBytes = 128 * 1024;

/** What counts towards a batch's limit beside it. */
export interface BatchPage extends Page {
  readonly bytes: number;
}

/**
 * The records from `from` on, until the offsets end, the batch is full, its interval is over, or the processor stops; no page only when
 * `signal` aborted before there was any.
 */
export async function* readBatch(
  log: Log,
  at: TopicPartition,
  { from, to }: OffsetWindow,
  limits: BatchLimits,
  signal: AbortSignal,
  now: () => number = Date.now,
): AsyncGenerator<BatchPage> {
  try {
    await log.waitPast(at, from, signal);
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  const { flushEvents = Infinity } = limits;
  let next = from;
  let bytes = 0;
  let events = 0;
  let firstMs: number | undefined;
  /** When the interval is, or the processor stops. */
  let over: AbortSignal | undefined;
  for (let hasWaited = false; next < to && bytes < limits.maxBytes;) {
    const page = await readPage(log, at, next, to, limits.maxBytes - bytes);
    if (page.next > next) {
      firstMs ??= page.records[0]?.timeMs;
      next = page.next;
      bytes += page.bytes;
      events += page.records.length;
      yield page;
    } else {
      const leftMs = limits.flushIntervalMs - Math.max(0, now() - (firstMs ?? 0)); // it may have waited in the log
      if (hasWaited || bytes >= limits.maxBytes / 2 || events >= flushEvents || leftMs <= 0) return;
      if (flushEvents === Infinity) {
        await sleep(leftMs, undefined, { signal }).catch(() => undefined); // stopping: flush what there is
        hasWaited = true;
      } else {
        // Where events count, it wakes at each that comes, which costs more than to wake once.
        over ??= AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
        hasWaited = !(await hasMore(log, at, next, over));
      }
    }
  }
}

/** False where `over` aborts before there is any. */
async function hasMore(log: Log, at: TopicPartition, next: number, over: AbortSignal): Promise<boolean> {
  try {
    await log.waitPast(at, next, over);
    return true;
  } catch (error) {
    if (over.aborted) return false;
    throw error;
  }
}

/** Exactly the records `from <= offset < to`, as a redo needs them. */
export async function* readRange(log: Log, at: TopicPartition, { from, to }: OffsetWindow): AsyncGenerator<BatchPage> {
  for (let next = from; next < to;) {
    const page = await readPage(log, at, next, to, pageBytes);
    next = page.next;
    yield page;
  }
}

async function readPage(log: Log, at: TopicPartition, from: number, to: number, maxBytes: number): Promise<BatchPage> {
  const page = await log.read(at, from, { maxBytes: Math.min(pageBytes, maxBytes) });
  const isWhole = page.next <= to;
  const records = isWhole ? page.records : page.records.filter(({ offset }) => offset < to);
  return { records, next: isWhole ? page.next : to, bytes: bytesOf(records) };
}

function bytesOf(records: readonly LogRecord[]): number {
  let bytes = 0;
  for (const { value, headers } of records) {
    bytes += value.length;
    for (const [, header] of headers) bytes += header.length;
  }
  return bytes;
}
