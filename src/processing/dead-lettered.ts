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

export interface LetterSearch {
  readonly log: LogReader;
  readonly consumer: string;
  readonly at: TopicPartition;
  readonly deadLetterTopic: string;
  /** Bytes of letters that are in memory at once. */
  readonly maxBytes: number;
}

export interface OffsetWindow {
  readonly from: number;
  readonly to: number;
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

/** Offsets whose letters are remembered at once: some 30 MB where each of them is a dead letter. */
const windowOffsets = 500_000;

/** Of records that were processed long ago. The whole topic is read, once for each window of offsets. */
export class EarlierLetters {
  readonly #search: LetterSearch;
  #window: OffsetWindow = { from: 0, to: 0 };
  #offsets: ReadonlySet<number> = new Set();

  constructor(search: LetterSearch) {
    this.#search = search;
  }

  async within({ from, to }: OffsetWindow): Promise<readonly number[]> {
    if (from < this.#window.from || to > this.#window.to)
      await this.#read({ from, to: Math.max(to, from + windowOffsets) });
    const found: number[] = [];
    for (let offset = from; offset < to; offset++) if (this.#offsets.has(offset)) found.push(offset);
    return found;
  }

  async #read(window: OffsetWindow): Promise<void> {
    const { log, deadLetterTopic } = this.#search;
    const starts: number[] = [];
    for (const letters of await partitionsOf(log, deadLetterTopic)) starts.push((await log.range(letters)).start);
    this.#offsets = new Set(await deadLetteredSince(this.#search, window, starts));
    this.#window = window;
  }
}
