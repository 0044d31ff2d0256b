/** When the log took the oldest and the newest record of a partition. Either end of its offsets may be no record (log.ts). */
import type { LogReader, OffsetRange, TopicPartition } from '../../log/log.ts';
import { readPages } from '../../log/read-pages.ts';

export interface RecordTimes {
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
}

const pageBytes = 256 * 1024;

export async function recordTimes(log: LogReader, at: TopicPartition, range: OffsetRange): Promise<RecordTimes> {
  return { oldestMs: await oldestMs(log, at, range), newestMs: await newestMs(log, at, range) };
}

async function oldestMs(log: LogReader, at: TopicPartition, range: OffsetRange): Promise<number | undefined> {
  for await (const { records } of readPages(log, at, range, 1)) if (records[0]) return records[0].timeMs;
  return undefined;
}

/** Looks back ever further, since nothing tells where the last record stands. */
async function newestMs(log: LogReader, at: TopicPartition, { start, end }: OffsetRange): Promise<number | undefined> {
  let newest: number | undefined;
  for (let back = 1; newest === undefined && back / 8 < end - start; back *= 8)
    for await (const { records } of readPages(log, at, { start: Math.max(start, end - back), end }, pageBytes))
      newest = records.at(-1)?.timeMs ?? newest;
  return newest;
}
