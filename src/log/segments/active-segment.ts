/**
 * The segment that frames are written to, and the space ahead of them: zeros, written and synced in steps before a frame
 * goes there, so that a frame's write changes no file size (one flush instead of two) and a full disk meets a step of zeros,
 * never a frame. The next segment is made ready while this one fills.
 */
import { Fault } from '../../errors.ts';
import { isNoSpace, type LogFile, type LogFiles } from './files.ts';
import type { LogState } from './log-state.ts';
import { encodeSegmentHeader } from './segment-header.ts';
import { segmentPath } from './segment-set.ts';

export interface SpaceOptions {
  readonly segmentBytes: number;
  /** Zeros are written ahead so many bytes at a time. */
  readonly stepBytes: number;
  /** No step is taken that would leave less on the disk. */
  readonly minFreeBytes: number;
}

/** Zeros go out in pieces of this size, so that a frame's write waits for one piece at most. */
const ZEROS = Buffer.alloc(1 << 20);

/** An open segment file: `space` writes zeros ahead, `frames` is durable write by write. */
interface OpenSegment {
  readonly sequence: number;
  readonly space: LogFile;
  readonly frames: LogFile;
  /** Zeros or frames up to here are on disk. */
  allocated: number;
  /** Its name in the directory is on disk. */
  isListed: boolean;
}

export class ActiveSegment {
  readonly #files: LogFiles;
  readonly #dir: string;
  readonly #options: SpaceOptions;
  readonly #state: LogState;
  readonly #fail: (error: unknown) => void;
  #active: OpenSegment | undefined;
  #next: OpenSegment | undefined;
  /** The header's end: a segment without frames is not left for another one. */
  #firstFrame = 0;
  /** Space is made by one at a time. */
  #making: Promise<void> = Promise.resolve();
  #isMaking = false;

  /** @param fail is told of a failure in the background other than a full disk */
  constructor(files: LogFiles, dir: string, options: SpaceOptions, state: LogState, fail: (error: unknown) => void) {
    this.#files = files;
    this.#dir = dir;
    this.#options = options;
    this.#state = state;
    this.#fail = fail;
  }

  /** Goes on in the newest segment of `state`, whose header is `headerBytes` long. */
  async open(headerBytes: number): Promise<void> {
    this.#active = await this.#openFile(this.#state.sequence);
    this.#active.allocated = this.#state.end;
    this.#active.isListed = true;
    this.#firstFrame = headerBytes;
  }

  get stepBytes(): number {
    return this.#options.stepBytes;
  }

  /** Bytes that a frame can have without making space. */
  get available(): number {
    return this.#active!.allocated - this.#state.end;
  }

  /** True when a frame of `bytes` belongs into this segment and has its space. */
  fits(bytes: number): boolean {
    return bytes <= this.available && !this.#mustRoll(bytes);
  }

  /** @throws Fault LOG_FULL; anything else means that the log has failed */
  async make(bytes: number): Promise<void> {
    await this.#exclusively(async () => {
      if (this.#mustRoll(bytes)) await this.#roll();
      await this.#allocate(this.#active!, this.#state.end + bytes);
    });
  }

  /** Writes at the end of the log; durable when it resolves. */
  async write(bytes: Buffer): Promise<void> {
    await this.#active!.frames.write(bytes, this.#state.end);
  }

  /** After each frame: begins to make space where less than a step is left. */
  makeAhead(): void {
    if (this.#isMaking || !this.#wantsSpace()) return;
    this.#isMaking = true;
    void this.#exclusively(() => this.#makeStep())
      .catch((error: unknown) => {
        // Whoever needs the space asks for it again, and is told.
        if (!(error instanceof Fault)) this.#fail(error);
      })
      .finally(() => (this.#isMaking = false));
  }

  #wantsSpace(): boolean {
    if (this.available >= this.#options.stepBytes) return false;
    return this.#active!.allocated < this.#options.segmentBytes || this.#next === undefined;
  }

  async #makeStep(): Promise<void> {
    const active = this.#active!;
    if (active.allocated < this.#options.segmentBytes) await this.#allocate(active, active.allocated + 1);
    else if (this.#next === undefined) await this.#prepare();
  }

  #mustRoll(bytes: number): boolean {
    return this.#state.end + bytes > this.#options.segmentBytes && this.#state.end > this.#firstFrame;
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    const before = this.#making;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#making = promise;
    await before;
    try {
      await work();
    } finally {
      resolve();
    }
  }

  async #openFile(sequence: number): Promise<OpenSegment> {
    const path = segmentPath(this.#dir, sequence);
    const space = await this.#files.open(path, 'write');
    const frames = await this.#files.open(path, 'durable');
    return { sequence, space, frames, allocated: 0, isListed: false };
  }

  /** Makes the next segment's file, with its first step of zeros; without a header it is no segment yet. */
  async #prepare(): Promise<OpenSegment> {
    try {
      this.#next ??= await this.#openFile(this.#state.sequence + 1);
      await this.#allocate(this.#next, 1);
      if (!this.#next.isListed) await this.#files.syncDirectory(this.#dir);
      this.#next.isListed = true;
      return this.#next;
    } catch (error) {
      throw fullOr(error, this.#dir);
    }
  }

  async #roll(): Promise<void> {
    const next = await this.#prepare();
    const header = encodeSegmentHeader(this.#state.nextHeader());
    await this.#allocate(next, header.length);
    await next.frames.write(header, 0);
    const sealed = this.#active!;
    await sealed.space.truncate(this.#state.end);
    this.#active = next;
    this.#next = undefined;
    this.#firstFrame = header.length;
    this.#state.sequence = next.sequence;
    this.#state.end = header.length;
    await closeSegment(sealed);
  }

  /** Zeros up to `bytes` at least, in whole steps as long as they lie within the segment's size. */
  async #allocate(segment: OpenSegment, bytes: number): Promise<void> {
    const from = segment.allocated;
    if (bytes <= from) return;
    const to = Math.max(bytes, Math.min(from + this.#options.stepBytes, this.#options.segmentBytes));
    try {
      const free = await this.#files.freeBytes(this.#dir);
      if (free - (to - from) < this.#options.minFreeBytes)
        throw new Fault('LOG_FULL', `The disk of ${this.#dir} has ${free} bytes left, and some are kept in reserve.`);
      for (let at = from; at < to; at += ZEROS.length)
        await segment.space.write(ZEROS.subarray(0, Math.min(ZEROS.length, to - at)), at);
      await segment.space.sync();
    } catch (error) {
      throw fullOr(error, this.#dir);
    }
    segment.allocated = to;
  }

  async close(): Promise<void> {
    await this.#making;
    if (this.#active !== undefined) await closeSegment(this.#active);
    if (this.#next !== undefined) await closeSegment(this.#next);
  }
}

const fullOr = (error: unknown, dir: string): unknown =>
  isNoSpace(error) ? new Fault('LOG_FULL', `The disk of ${dir} is full.`, { cause: error }) : error;

async function closeSegment(segment: OpenSegment): Promise<void> {
  await segment.space.close();
  await segment.frames.close();
}
