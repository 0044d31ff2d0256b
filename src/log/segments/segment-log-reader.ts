/**
 * The embedded log, for any process but the one that writes it, whether that runs or not. Follows the writer's durable mark and
 * believes nothing behind it. Where the mark is missing or was lost with the power, what precedes the newest segment
 * is known to be durable all the same: a segment is begun after all before it is on disk.
 */
import { Fault } from '../../errors.ts';
import type { LogReader, OffsetRange, Page, TopicPartition, TopicSpec } from '../log.ts';
import { belongsTo, type DurableMark, openMark, readMark } from './durable-mark.ts';
import { isMissing, type LogFile, type LogFiles } from './files.ts';
import { frameMark } from './frame.ts';
import { isDamage, readFrame, rotten } from './frame-reader.ts';
import { LogState } from './log-state.ts';
import { PartitionReader } from './partition-reader.ts';
import { realFiles } from './real-files.ts';
import { takeOver } from './recovery.ts';
import type { PlacedHeader } from './segment-header.ts';
import { checkWithoutHole, listSegments, SegmentSet } from './segment-set.ts';
import { Waiters } from './waiters.ts';

export interface SegmentLogReaderOptions {
  readonly dir: string;
  readonly files?: LogFiles;
}

/** How often the mark is looked at while somebody waits. */
const POLL_INTERVAL_MS = 50;

/** @throws Fault LOG_MISSING where there is no log in `dir`, LOG_ROTTEN */
export async function openSegmentLogReader(options: SegmentLogReaderOptions): Promise<LogReader> {
  const reader = new SegmentLogReader(options.dir, options.files ?? realFiles);
  try {
    await reader.open();
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

class SegmentLogReader implements LogReader {
  readonly #files: LogFiles;
  readonly #dir: string;
  readonly #state = new LogState();
  readonly #waiters = new Waiters();
  readonly #segments: SegmentSet;
  readonly #reader: PartitionReader;
  #markFile: LogFile | undefined;
  #seen: DurableMark | undefined;
  #refreshing: Promise<void> | undefined;
  #poll: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(dir: string, files: LogFiles) {
    this.#dir = dir;
    this.#files = files;
    this.#segments = new SegmentSet(files, dir);
    this.#reader = new PartitionReader(this.#segments, this.#state);
  }

  get id(): string {
    return this.#state.id;
  }

  async open(): Promise<void> {
    const sequences = await listSegments(this.#files, this.#dir);
    const newest = await this.#newest(sequences);
    if (newest === undefined) throw new Fault('LOG_MISSING', `There is no log in ${this.#dir}.`);
    checkWithoutHole(this.#dir, sequences);
    await this.#segments.forgetBefore(sequences[0]!);
    this.#state.begin(newest);
    await this.#refresh();
  }

  /** The newest segment that was begun; its file may be followed by one that is only being made ready. */
  async #newest(sequences: readonly number[]): Promise<PlacedHeader | undefined> {
    for (const sequence of sequences.slice(-2).toReversed()) {
      const header = await this.#segments.findHeader(sequence);
      if (header !== undefined) return header;
    }
    return undefined;
  }

  /** Catches up with the mark. One at a time: whoever comes meanwhile waits for the one that follows. */
  async #refresh(): Promise<void> {
    while (this.#refreshing !== undefined) await this.#refreshing.catch(() => undefined);
    this.#refreshing = this.#catchUp();
    try {
      await this.#refreshing;
    } finally {
      this.#refreshing = undefined;
    }
  }

  async #catchUp(): Promise<void> {
    if (this.#isClosed) throw new Fault('LOG_FAILED', 'The log is closed.');
    this.#markFile ??= await openMark(this.#files, this.#dir);
    const mark = this.#markFile && (await readMark(this.#markFile));
    if (mark === undefined || !belongsTo(mark, this.#state.id)) return;
    if (mark.oldest > this.#segments.first) await this.#segments.forgetBefore(mark.oldest);
    if (mark.frame === this.#seen?.frame) return;
    await this.#follow(mark);
    this.#seen = mark;
    this.#waiters.check();
  }

  async #follow(mark: DurableMark): Promise<void> {
    const state = this.#state;
    if (mark.sequence > state.sequence) state.begin(await this.#segments.header(mark.sequence));
    if (mark.sequence < state.sequence) return;
    const prefix = frameMark(state.secret);
    while (state.end < mark.end) {
      const frame = await readFrame(this.#segments, prefix, state.sequence, state.end, mark.end);
      if (isDamage(frame)) throw rotten(this.#segments.path(state.sequence), frame);
      await takeOver(this.#segments, state, frame, mark.end);
    }
  }

  async topics(): Promise<readonly TopicSpec[]> {
    await this.#refresh();
    return this.#state.topics();
  }

  range(at: TopicPartition): Promise<OffsetRange> {
    return this.#asItIs(() => this.#reader.range(at));
  }

  read(at: TopicPartition, from: number, limit: { readonly maxBytes: number }): Promise<Page> {
    return this.#asItIs(() => this.#reader.read(at, from, limit.maxBytes));
  }

  offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    return this.#asItIs(() => this.#reader.offsetAtTime(at, timeMs));
  }

  /** Once more where a segment is missing: retention has taken it since, and the mark has said so before. */
  async #asItIs<T>(look: () => Promise<T>): Promise<T> {
    await this.#refresh();
    try {
      return await look();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await this.#refresh();
    return look();
  }

  async waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    await this.#refresh();
    const place = this.#state.place(at);
    const waiting = this.#waiters.wait(() => this.#state.next(place) > offset, signal);
    this.#poll ??= setInterval(() => this.#lookAgain(), POLL_INTERVAL_MS);
    await waiting.finally(() => {
      if (this.#waiters.count > 0) return;
      clearInterval(this.#poll);
      this.#poll = undefined;
    });
  }

  #lookAgain(): void {
    if (this.#refreshing === undefined) this.#refresh().catch((error: unknown) => this.#waiters.fail(error));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#poll);
    this.#waiters.fail(new Fault('LOG_FAILED', 'The log is closed.'));
    await this.#refreshing?.catch(() => undefined);
    const markFile = this.#markFile;
    this.#markFile = undefined;
    await markFile?.close();
    await this.#segments.close();
  }
}
