/** Reads the records of one batch: it is full, its interval is over, or the processor stops. */
import type { Log, LogRecord, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** The records from `from` on; empty only when `signal` aborted before there was any. */
export async function readBatch(
  log: Log,
  at: TopicPartition,
  from: number,
  limits: BatchLimits,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<readonly LogRecord[]> {
  try {
    await log.waitPast(at, from, signal);
  } catch (error) {
    if (signal.aborted) return [];
    throw error;
  }
  const first = await log.read(at, from, limits);
  const bytes = recordBytes(first);
  if (bytes >= limits.maxBytes / 2) return first;
  const waitedMs = now() - (first[0]?.timeMs ?? 0);
  if (waitedMs >= limits.flushIntervalMs) return first; // it has waited in the log
  const leftMs = limits.flushIntervalMs - Math.max(0, waitedMs);
  await sleep(leftMs, undefined, { signal }).catch(() => undefined); // stopping: flush what there is
  const rest = await log.read(at, from + first.length, { maxBytes: limits.maxBytes - bytes });
  return [...first, ...rest];
}

/** Exactly the records `from <= offset < to`, as a redo needs them. */
export async function readRange(
  log: Log,
  at: TopicPartition,
  { from, to }: { readonly from: number; readonly to: number },
  maxBytes: number,
): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  while (from + records.length < to) records.push(...(await log.read(at, from + records.length, { maxBytes })));
  records.length = to - from;
  return records;
}

function recordBytes(records: readonly LogRecord[]): number {
  let bytes = 0;
  for (const { value, headers } of records) {
    bytes += value.length;
    for (const [, header] of headers) bytes += header.length;
  }
  return bytes;
}
