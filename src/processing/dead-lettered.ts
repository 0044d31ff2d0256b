/**
 * Which records of a partition a consumer has made dead letters of, as the dead-letter topic tells. A letter follows its record in the
 * log, which forgets oldest first: as long as it has the record, it has the letter.
 */
import { originOf } from '../dead-letters/dead-letter.ts';
import type { LogReader, LogRecord, TopicPartition } from '../log/log.ts';
import { decidedEnd } from '../log/decided-end.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readPages } from '../log/read-pages.ts';
import { headerText } from '../log/record-header.ts';
import { FoundOffsets, type OffsetWindow } from './offset-window.ts';

export interface LetterSearch {
  readonly log: LogReader;
  readonly consumer: string;
  readonly at: TopicPartition;
  readonly deadLetterTopic: string;
  /** Bytes of letters that are in memory at once. */
  readonly maxBytes: number;
}

/** Offsets of the window. @param since where to begin in each partition of the dead-letter topic; others may have written many since (D6) */
export async function deadLetteredSince(
  search: LetterSearch,
  { from, to }: OffsetWindow,
  since: readonly number[],
): Promise<readonly number[]> {
  const { log, deadLetterTopic, maxBytes } = search;
  const offsets: number[] = [];
  for (const letters of await partitionsOf(log, deadLetterTopic)) {
    const wanted = since[letters.partition] ?? 0; // it was added meanwhile
    const end = await decidedEnd(log, letters); // the owner before may have been in the middle of it
    const { start } = await log.range(letters);
    for await (const { records } of readPages(log, letters, { start: Math.max(wanted, start), end }, maxBytes))
      for (const record of records) {
        const offset = originIn(record, search);
        if (offset !== undefined && offset >= from && offset < to) offsets.push(offset);
      }
  }
  return offsets;
}

/** The offset of which this consumer has made the letter. */
function originIn(letter: LogRecord, { consumer, at }: LetterSearch): number | undefined {
  const origin = headerText(letter, 'pipeline') === consumer ? originOf(letter) : undefined;
  return origin?.topic === at.topic && origin.partition === at.partition ? origin.offset : undefined;
}

/** Those of records that were processed long ago. The whole topic is read for them. */
export function earlierLetters(search: LetterSearch): FoundOffsets {
  const { log, deadLetterTopic } = search;
  return new FoundOffsets(async (window) => {
    const starts: number[] = [];
    for (const letters of await partitionsOf(log, deadLetterTopic)) starts.push((await log.range(letters)).start);
    return deadLetteredSince(search, window, starts);
  });
}
