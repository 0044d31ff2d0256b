/**
 * Reads partitions of a segment log: finds the segment by the snapshots in the headers, hops over frames to the
 * partition's sections, checks each section and decodes it. Where a reader went on last is remembered, so that reading
 * on costs no search.
 */
import { Fault, isFault } from '../../errors.ts';
import type { LogRecord, OffsetRange, Page, TopicPartition } from '../log.ts';
import { isMissing } from './files.ts';
import { type Frame, frameMark, type Section } from './frame.ts';
import { isDamage, readFrame, readSection, rotten } from './frame-reader.ts';
import { type LogState, nextIn, type Place } from './log-state.ts';
import { readRecord, recordBytesAt } from './record.ts';
import { placeKey } from './segment-batch.ts';
import type { SegmentHeader } from './segment-header.ts';
import type { SegmentSet } from './segment-set.ts';

/** The frame at `position` is the first that can hold `offset`. */
interface Cursor {
  offset: number;
  sequence: number;
  position: number;
  /** Sequence number of the frame at `position`. */
  frame: number;
}

interface OpenPage {
  readonly records: LogRecord[];
  bytesLeft: number;
}

interface BegunSection {
  readonly sequence: number;
  readonly position: number;
  readonly bytes: Buffer;
  /** The record that comes next, and where it stands. */
  readonly offset: number;
  readonly at: number;
}

/** Remembered places of one partition: those of several consumers, and where each of them was just before. */
const CURSORS_A_PARTITION = 16;

export class PartitionReader {
  readonly #segments: SegmentSet;
  readonly #state: LogState;
  readonly #cursors = new Map<number, Cursor[]>();
  /** Sections of which a page took a part: the next page goes on there, and need not read and check them again. */
  readonly #begun = new Map<number, BegunSection>();
  #mark: Buffer | undefined;

  constructor(segments: SegmentSet, state: LogState) {
    this.#segments = segments;
    this.#state = state;
  }

  async range(at: TopicPartition): Promise<OffsetRange> {
    const place = this.#state.place(at);
    const header = await this.#segments.header(this.#segments.first);
    return { start: nextIn(header, place), end: this.#state.next(place) };
  }

  async read(at: TopicPartition, from: number, maxBytes: number): Promise<Page> {
    const place = this.#state.place(at);
    const { start, end } = await this.range(at);
    if (!(from >= start && from <= end))
      throw new Fault(
        'OFFSET_OUT_OF_RANGE',
        `Offset ${from} of ${at.topic}-${at.partition} is not kept: it has ${start} to ${end}.`,
      );
    if (from === end) return { records: [], next: end };
    const page: OpenPage = { records: [], bytesLeft: maxBytes };
    try {
      const cursor = this.#takeCursor(place, from) ?? (await this.#seek(place, from));
      while (cursor.offset < end && (await this.#readFrame(at, place, cursor, page)));
      this.#keepCursor(place, cursor);
    } catch (error) {
      if (!isMissing(error) && !isFault(error, 'LOG_ROTTEN')) throw error;
      throw await this.#gone(at, from, error);
    }
    return { records: page.records, next: from + page.records.length };
  }

  /** A segment's file is not there, or not what it should hold: retention took it while it was being read, or else it is damage. */
  async #gone(at: TopicPartition, from: number, cause: unknown): Promise<Fault> {
    const { start } = await this.range(at);
    if (from < start)
      return new Fault('OFFSET_OUT_OF_RANGE', `Offset ${from} of ${at.topic}-${at.partition} is no longer kept.`);
    if (isFault(cause)) return cause;
    return new Fault('LOG_ROTTEN', `A segment of ${this.#segments.dir} is missing, at ${where(at, from)}.`, { cause });
  }

  /** Takes over what the cursor's frame has of the partition, and moves on; false when the page is full. */
  async #readFrame(at: TopicPartition, place: Place, cursor: Cursor, page: OpenPage): Promise<boolean> {
    const frameEnd = await this.#endOf(cursor.sequence);
    if (cursor.position >= frameEnd) {
      Object.assign(cursor, await this.#seek(place, cursor.offset, cursor.sequence + 1));
      return true;
    }
    const frame = await this.#frame(cursor, frameEnd, ` (${where(at, cursor.offset)})`);
    for (;;) {
      const section = frame.find(place.topicId, place.partition, cursor.offset);
      if (section === undefined || frame.kind !== 0) break;
      if (!(await this.#readRecords(at, cursor, section, frame.timeMs, frameEnd, page))) return false;
    }
    cursor.position = frame.end;
    cursor.frame += 1;
    return true;
  }

  async #readRecords(
    at: TopicPartition,
    cursor: Cursor,
    section: Section,
    timeMs: number,
    end: number,
    page: OpenPage,
  ): Promise<boolean> {
    const path = this.#segments.path(cursor.sequence);
    const around = ` (${where(at, cursor.offset)})`;
    const place = this.#state.place(at);
    if (section.baseOffset > cursor.offset)
      throw rotten(
        path,
        { position: section.position, what: `records before ${section.baseOffset} are missing` },
        around,
      );
    if (page.records.length > 0 && page.bytesLeft <= 0) return false;
    const key = placeKey(place.topicId, place.partition);
    const begun = this.#takeBegun(key, cursor, section);
    const bytes = begun?.bytes ?? (await readSection(this.#segments, cursor.sequence, section, end));
    if (bytes === undefined)
      throw rotten(path, { position: section.position, what: 'records do not match their checksum' }, around);
    let position = begun?.at ?? 0;
    for (let offset = begun?.offset ?? section.baseOffset; offset < section.baseOffset + section.count; offset += 1) {
      const recordBytes = recordBytesAt(bytes, position);
      if (offset === cursor.offset) {
        if (page.records.length > 0 && recordBytes > page.bytesLeft) {
          const { sequence } = cursor;
          this.#begun.set(key, { sequence, position: section.position, bytes, offset, at: position });
          return false;
        }
        page.records.push(readRecord(bytes, position, offset, timeMs));
        page.bytesLeft -= recordBytes;
        cursor.offset += 1;
      }
      position += recordBytes;
    }
    return true;
  }

  #takeBegun(key: number, cursor: Cursor, section: Section): BegunSection | undefined {
    const begun = this.#begun.get(key);
    this.#begun.delete(key);
    const isIt = begun?.sequence === cursor.sequence && begun.position === section.position;
    return isIt && begun.offset === cursor.offset ? begun : undefined;
  }

  async #frame(cursor: Cursor, end: number, around: string): Promise<Frame> {
    this.#mark ??= frameMark(this.#state.secret);
    const found = await readFrame(this.#segments, this.#mark, cursor.sequence, cursor.position, end);
    const path = this.#segments.path(cursor.sequence);
    if (isDamage(found)) throw rotten(path, found, around);
    if (found.sequence !== cursor.frame)
      throw rotten(path, { position: cursor.position, what: `frame ${cursor.frame} is missing` }, around);
    return found;
  }

  async #endOf(sequence: number): Promise<number> {
    if (sequence === this.#state.sequence) return this.#state.end;
    return (await this.#segments.header(sequence + 1)).previousBytes;
  }

  /** The beginning of the segment that holds `offset`, which is one that exists. */
  async #seek(place: Place, offset: number, from = this.#segments.first): Promise<Cursor> {
    const sequence = await this.#lastSegment(from, (header) => nextIn(header, place) <= offset);
    const header = await this.#segments.header(sequence);
    return { offset, sequence, position: header.bytes, frame: header.frame };
  }

  /** The last segment from `from` on whose header passes; `from` itself where none does. */
  async #lastSegment(from: number, passes: (header: SegmentHeader) => boolean): Promise<number> {
    let low = from;
    let high = this.#state.sequence;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (passes(await this.#segments.header(middle))) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    const place = this.#state.place(at);
    const { start, end } = await this.range(at);
    const newest = this.#state.sequence;
    const sequence = await this.#lastSegment(this.#segments.first, (header) => header.lastTimeMs < timeMs);
    const header = await this.#segments.header(sequence);
    const cursor: Cursor = { offset: start, sequence, position: header.bytes, frame: header.frame };
    const segmentEnd = await this.#endOf(sequence);
    while (cursor.position < segmentEnd) {
      const frame = await this.#frame(cursor, segmentEnd, ` (looking for ${timeMs} in ${at.topic}-${at.partition})`);
      const section =
        frame.timeMs >= timeMs && frame.kind === 0 ? frame.find(place.topicId, place.partition, -1) : undefined;
      if (section !== undefined) return section.baseOffset;
      cursor.position = frame.end;
      cursor.frame += 1;
    }
    return sequence === newest ? end : nextIn(await this.#segments.header(sequence + 1), place);
  }

  #takeCursor(place: Place, offset: number): Cursor | undefined {
    const kept = this.#cursors.get(placeKey(place.topicId, place.partition));
    const cursor = kept?.find((one) => one.offset === offset && one.sequence >= this.#segments.first);
    return cursor === undefined ? undefined : { ...cursor };
  }

  #keepCursor(place: Place, cursor: Cursor): void {
    const key = placeKey(place.topicId, place.partition);
    const others = (this.#cursors.get(key) ?? []).filter((one) => one.offset !== cursor.offset);
    this.#cursors.set(key, [cursor, ...others.slice(0, CURSORS_A_PARTITION - 1)]);
  }
}

const where = (at: TopicPartition, offset: number): string =>
  `topic ${at.topic}, partition ${at.partition}, offset ${offset}`;
