/** The embedded log, for the one process that writes it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Fault } from '../../errors.ts';
import type {
  AppendOptions,
  Batch,
  Log,
  Member,
  Membership,
  OffsetRange,
  Page,
  PartitionOffset,
  RetentionLimits,
  TopicPartition,
  TopicSpec,
} from '../log.ts';
import { ActiveSegment } from './active-segment.ts';
import { Appender, failed } from './appender.ts';
import { type DurableMark, MarkWriter, markPath, openMark, readMark } from './durable-mark.ts';
import type { LogFiles } from './files.ts';
import { isNoSpace } from './files.ts';
import { SECRET_BYTES } from './frame.ts';
import { LogState } from './log-state.ts';
import { PartitionReader } from './partition-reader.ts';
import { realFiles } from './real-files.ts';
import { recover, type Recovered } from './recovery.ts';
import { removeOldSegments } from './retention.ts';
import { SegmentBatch, Turns } from './segment-batch.ts';
import { encodeSegmentHeader } from './segment-header.ts';
import { SegmentSet, segmentPath } from './segment-set.ts';
import { missingTopics } from './topics.ts';
import { Waiters } from './waiters.ts';

export interface SegmentLogOptions {
  readonly dir: string;
  readonly files?: LogFiles;
  /** Size of a segment file; a larger batch gets a file of its own size. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Batches that wait for the disk hold at most so much, one batch aside. Default 32 MiB. */
  readonly maxQueueBytes?: number;
  /** Appends are refused (LOG_FULL) rather than leave less on the disk. Default 64 MiB. */
  readonly minFreeBytes?: number;
  /** Told how long each write took until it was durable. Must not throw. */
  readonly onFlushed?: (seconds: number) => void;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

const MIB = 1 << 20;
const STEP_BYTES = 8 * MIB;
const BLOCK_BYTES = MIB;

/**
 * Opens the log in `dir`, made where it is missing; recovers what a crash left.
 * @throws Fault DATA_DIR_IN_USE, LOG_ROTTEN, LOG_FULL (no space for a first segment), LOG_FAILED
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<Log> {
  const files = options.files ?? realFiles;
  await files.makeDirectory(options.dir);
  const release = await files.lock(join(options.dir, 'lock'));
  if (release === undefined) throw new Fault('DATA_DIR_IN_USE', `Another process writes the log in ${options.dir}.`);
  const opened = new SegmentLog(options, files, release);
  try {
    await opened.open();
    return opened;
  } catch (error) {
    await opened.abandon();
    if (error instanceof Fault) throw error;
    if (isNoSpace(error)) throw new Fault('LOG_FULL', `The disk of ${options.dir} is full.`, { cause: error });
    throw failed(error);
  }
}

class SegmentLog implements Log {
  readonly #files: LogFiles;
  readonly #dir: string;
  readonly #now: () => number;
  readonly #release: () => void;
  readonly #state = new LogState();
  readonly #turns = new Turns();
  readonly #waiters = new Waiters();
  readonly #segments: SegmentSet;
  readonly #reader: PartitionReader;
  readonly #active: ActiveSegment;
  readonly #appender: Appender;
  readonly #blockBytes: number;
  #mark: MarkWriter | undefined;
  #retaining: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: SegmentLogOptions, files: LogFiles, release: () => void) {
    const { dir, segmentBytes = 64 * MIB, maxQueueBytes = 32 * MIB, minFreeBytes = 64 * MIB, now = Date.now } = options;
    this.#files = files;
    this.#dir = dir;
    this.#now = now;
    this.#release = release;
    this.#blockBytes = Math.min(BLOCK_BYTES, segmentBytes);
    this.#segments = new SegmentSet(files, dir, this.#blockBytes);
    this.#reader = new PartitionReader(this.#segments, this.#state);
    const space = { segmentBytes, stepBytes: Math.min(STEP_BYTES, Math.ceil(segmentBytes / 4)), minFreeBytes };
    const fail = (error: unknown): void => this.#appender.fail(failed(error));
    this.#active = new ActiveSegment(files, dir, space, this.#state, fail);
    const { onFlushed } = options;
    this.#appender = new Appender(this.#state, this.#active, {
      maxQueueBytes,
      now,
      onFlushed,
      onDurable: () => this.#tell(),
    });
  }

  get id(): string {
    return this.#state.id;
  }

  async open(): Promise<void> {
    const recovered = (await this.#recover()) ?? (await this.#begin());
    await this.#segments.forgetBefore(recovered.first);
    await this.#active.open(recovered.headerBytes);
    const file = await this.#files.open(markPath(this.#dir), 'write');
    this.#mark = new MarkWriter(file, (error) => this.#appender.fail(failed(error)));
    await this.#mark.begin(this.#markNow());
    this.#active.makeAhead();
  }

  async #recover(): Promise<Recovered | undefined> {
    const file = await openMark(this.#files, this.#dir);
    let mark: DurableMark | undefined;
    if (file !== undefined) {
      mark = await readMark(file);
      await file.close();
    }
    return recover(this.#files, this.#dir, mark, this.#state, this.#blockBytes);
  }

  /** The first segment of a new log. */
  async #begin(): Promise<Recovered> {
    const header = encodeSegmentHeader({
      ...new LogState().nextHeader(),
      id: randomUUID(),
      secret: randomBytes(SECRET_BYTES).toString('hex'),
    });
    const file = await this.#files.open(segmentPath(this.#dir, 1), 'durable');
    try {
      await file.write(header, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.syncDirectory(this.#dir);
    this.#state.begin(await this.#segments.header(1));
    return { first: 1, headerBytes: header.length };
  }

  /** What became durable is told to other processes and to those who wait. */
  #tell(): void {
    this.#mark?.update(this.#markNow());
    this.#waiters.check();
  }

  #markNow(): DurableMark {
    const { sequence, end, frame, id } = this.#state;
    return { sequence, end, frame, id, oldest: this.#segments.first };
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    await this.#appender.changeTopics(() => missingTopics(this.#state.topics(), topics));
  }

  batch(): Batch {
    return new SegmentBatch(this.#state, this.#turns);
  }

  append(batch: Batch, options: AppendOptions = {}): Promise<void> {
    return this.#appender.append(batch as SegmentBatch, options.signal);
  }

  room(signal: AbortSignal): Promise<void> {
    return this.#appender.room(signal);
  }

  async topics(): Promise<readonly TopicSpec[]> {
    return this.#state.topics();
  }

  range(at: TopicPartition): Promise<OffsetRange> {
    return this.#reader.range(at);
  }

  read(at: TopicPartition, from: number, limit: { readonly maxBytes: number }): Promise<Page> {
    return this.#reader.read(at, from, limit.maxBytes);
  }

  offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    return this.#reader.offsetAtTime(at, timeMs);
  }

  async waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    const place = this.#state.place(at);
    await this.#waiters.wait(() => this.#state.next(place) > offset, signal);
  }

  /** One process has the log: every partition is its own, for as long as it runs. */
  async join({ topic, onAssigned }: Membership): Promise<Member> {
    const count = (await this.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
    onAssigned(Array.from({ length: count }, (_, partition) => ({ topic, partition })));
    return { term: () => 0, landed: () => undefined, leave: () => Promise.resolve() };
  }

  async retain(limits: RetentionLimits, keepFrom: readonly PartitionOffset[]): Promise<void> {
    const tellReaders = async (): Promise<void> => {
      this.#tell();
      await this.#mark?.idle();
    };
    const work = this.#retaining.then(() =>
      removeOldSegments(this.#files, this.#segments, this.#state, limits, keepFrom, this.#now(), tellReaders),
    );
    this.#retaining = work.catch(() => undefined);
    await work;
  }

  /** Resolves when all that was appended is settled; what waits to read then is refused. */
  close(): Promise<void> {
    this.#closing ??= this.#appender.close().then(() => this.abandon());
    return this.#closing;
  }

  async abandon(): Promise<void> {
    this.#waiters.fail(new Fault('LOG_FAILED', 'The log is closed.'));
    try {
      await this.#retaining;
      await this.#active.close();
      await this.#mark?.close();
      await this.#segments.close();
    } finally {
      this.#release();
    }
  }
}
