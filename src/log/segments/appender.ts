/**
 * Takes batches and makes them durable by group commit: while one frame is being written, the next one gathers. No
 * timers. Frames are written one after the other, so that at most the last one can be torn; the first that fails poisons
 * the log until it is opened again (what is on disk then, only recovery can tell).
 */
import { Fault, isFault, reasonOf } from '../../errors.ts';
import type { TopicSpec } from '../log.ts';
import type { ActiveSegment } from './active-segment.ts';
import { type AssembledFrame, EMPTY_FRAME_BYTES, FrameAssembler, frameShare } from './frame-assembly.ts';
import type { LogState } from './log-state.ts';
import type { SegmentBatch } from './segment-batch.ts';

export interface AppenderOptions {
  readonly maxQueueBytes: number;
  readonly now: () => number;
  /** Told how long each frame took until it was durable. */
  readonly onFlushed: ((seconds: number) => void) | undefined;
  /** Called after each frame that became durable, before those who wait for it. */
  readonly onDurable: () => void;
}

/** A frame takes no further batch beyond this. */
const FRAME_BYTES = 4 << 20;

/** With less space than this, `room` sees to it that there is more before it lets anyone in. */
const ROOM_BYTES = 64 << 10;

interface Waiting {
  /** A batch, or what to do when its turn has come: true when it is done, false to be called again. */
  readonly what: SegmentBatch | (() => Promise<boolean>);
  /** Bytes in a frame, at most. */
  readonly share: number;
  readonly memory: number;
  /** Withdraws it while it is in the queue. */
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Appender {
  readonly #state: LogState;
  readonly #active: ActiveSegment;
  readonly #options: AppenderOptions;
  readonly #assembler = new FrameAssembler();
  /** In the order of arrival. */
  readonly #queue = new Set<Waiting>();
  readonly #watched = new WeakSet<AbortSignal>();
  readonly #waitingForRoom = new Set<() => void>();
  #queuedBytes = 0;
  #running: Promise<void> | undefined;
  #closing = false;
  #failure: Fault | undefined;

  constructor(state: LogState, active: ActiveSegment, options: AppenderOptions) {
    this.#state = state;
    this.#active = active;
    this.#options = options;
  }

  /** From now on everything is refused that is not being written. The first reason stays. */
  fail(reason: Fault): void {
    this.#failure ??= reason;
    for (const waiting of this.#queue) this.#settle(waiting, this.#failure);
    this.#wakeRoom();
  }

  append(batch: SegmentBatch, signal: AbortSignal | undefined): Promise<void> {
    if (batch.count === 0) return Promise.resolve();
    return this.#enqueue(batch, frameShare(batch), batch.bytes, signal);
  }

  /** Writes a frame of its own for the topics, unless there are none to write when its turn has come. */
  async changeTopics(topics: () => readonly TopicSpec[] | undefined): Promise<void> {
    await this.#enqueue(() => this.#writeTopics(topics), 0, 0, undefined);
  }

  async #enqueue(what: Waiting['what'], share: number, memory: number, signal: AbortSignal | undefined): Promise<void> {
    this.#refuseWhereClosed(signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.add({ what, share, memory, signal, resolve, reject });
    this.#queuedBytes += memory;
    this.#running ??= this.#run();
    if (signal !== undefined) this.#watch(signal);
    return promise;
  }

  /** Once for each signal: packages that come at about the same time share one, and a listener each would cost as much as their records. */
  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return;
    this.#watched.add(signal);
    const withdraw = (): void => {
      for (const waiting of this.#queue) if (waiting.signal === signal) this.#settle(waiting, withdrawn(signal));
      this.#wakeRoom();
    };
    signal.addEventListener('abort', withdraw, { once: true });
  }

  #refuseWhereClosed(signal: AbortSignal | undefined): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing) throw closed();
    if (signal?.aborted === true) throw withdrawn(signal);
  }

  async room(signal: AbortSignal): Promise<void> {
    this.#refuseWhereClosed(signal);
    while (!this.#hasRoom()) {
      await this.#nextRoom(signal);
      this.#refuseWhereClosed(signal);
    }
    const needed = Math.min(ROOM_BYTES, this.#active.stepBytes);
    if (this.#active.available >= needed) return;
    await this.#enqueue(() => this.#makeRoom(needed), 0, 0, signal);
  }

  #hasRoom(): boolean {
    return this.#queuedBytes < this.#options.maxQueueBytes;
  }

  async #nextRoom(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waitingForRoom.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', wake);
      this.#waitingForRoom.delete(wake);
    }
  }

  #wakeRoom(): void {
    if (this.#failure === undefined && !this.#hasRoom()) return;
    for (const wake of this.#waitingForRoom) wake();
  }

  #settle(waiting: Waiting, error?: unknown): void {
    if (this.#queue.delete(waiting)) this.#queuedBytes -= waiting.memory;
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
  }

  async #run(): Promise<void> {
    while (this.#queue.size > 0 && this.#failure === undefined) {
      // Producers that the last frame released, and requests that came meanwhile, get into the next one.
      await new Promise((resolve) => setImmediate(resolve));
      try {
        await this.#writeNext();
      } catch (error) {
        this.fail(failed(error));
      }
      this.#wakeRoom();
    }
    this.#running = undefined;
  }

  /** Writes the frame of what is first in the queue, or refuses what there is no space for. */
  async #writeNext(): Promise<void> {
    const [first] = this.#queue;
    if (first === undefined) return;
    if (typeof first.what === 'function') return this.#do(first, first.what);
    const planned = this.#plan(FRAME_BYTES, first);
    const full = await this.#makeSpace(planned.bytes);
    if (full !== undefined) this.#refuseWhatDoesNotFit(full);
    // What waited at first may have been withdrawn meanwhile, and more have come.
    const { taken, batches } = this.#plan(Math.min(FRAME_BYTES, this.#active.available), full ? undefined : first);
    if (batches.length === 0) return;
    const frame = this.#assembler.records(batches, this.#state, this.#nextTime());
    for (const batch of batches) batch.release();
    await this.#write(taken, frame);
  }

  async #do(waiting: Waiting, task: () => Promise<boolean>): Promise<void> {
    try {
      if (await task()) this.#settle(waiting);
    } catch (error) {
      this.#settle(waiting, isFault(error) ? error : failed(error));
      if (!isFault(error)) throw error;
    }
  }

  /** Answers why there is none. */
  async #makeSpace(bytes: number): Promise<Fault | undefined> {
    if (this.#active.fits(bytes)) return undefined;
    try {
      await this.#active.make(bytes);
      return undefined;
    } catch (error) {
      if (isFault(error, 'LOG_FULL')) return error;
      throw error;
    }
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    const full = await this.#makeSpace(bytes);
    if (full !== undefined) throw full;
    return true;
  }

  async #writeTopics(change: () => readonly TopicSpec[] | undefined): Promise<boolean> {
    const topics = change();
    if (topics === undefined) return true;
    const { length } = this.#assembler.topics(topics, this.#state, 0).bytes;
    await this.#makeRoom(length);
    const assembled = this.#assembler.topics(topics, this.#state, this.#nextTime());
    await this.#active.write(assembled.bytes);
    this.#state.advanceTopics(assembled.frame, topics);
    this.#options.onDurable();
    return true;
  }

  async #write(taken: readonly Waiting[], { bytes, frame }: AssembledFrame): Promise<void> {
    for (const waiting of taken) this.#queue.delete(waiting);
    const startedMs = performance.now();
    try {
      await this.#active.write(bytes);
      this.#options.onFlushed?.((performance.now() - startedMs) / 1000);
    } catch (error) {
      const failure = failed(error);
      for (const waiting of taken) waiting.reject(failure);
      throw failure;
    } finally {
      for (const waiting of taken) this.#queuedBytes -= waiting.memory;
    }
    this.#state.advance(frame);
    this.#options.onDurable();
    this.#active.makeAhead();
    for (const waiting of taken) waiting.resolve();
  }

  /** The longest beginning of the queue that a frame of `limit` bytes holds, and `first` in any case. */
  #plan(limit: number, first?: Waiting): { taken: Waiting[]; batches: SegmentBatch[]; bytes: number } {
    const taken: Waiting[] = [];
    const batches: SegmentBatch[] = [];
    let bytes = EMPTY_FRAME_BYTES;
    for (const waiting of this.#queue) {
      if (typeof waiting.what === 'function') break;
      if (bytes + waiting.share > limit && waiting !== first) break;
      taken.push(waiting);
      batches.push(waiting.what);
      bytes += waiting.share;
    }
    return { taken, batches, bytes };
  }

  #refuseWhatDoesNotFit(full: Fault): void {
    for (const waiting of this.#queue)
      if (EMPTY_FRAME_BYTES + waiting.share > this.#active.available) this.#settle(waiting, full);
  }

  #nextTime(): number {
    return Math.max(this.#options.now(), this.#state.lastTimeMs);
  }

  /** Refuses what comes, and resolves when all that came is settled. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#wakeRoom();
    await this.#running;
    this.fail(closed());
  }
}

export function failed(cause: unknown): Fault {
  if (isFault(cause, 'LOG_FAILED')) return cause;
  return new Fault('LOG_FAILED', `The log takes nothing until it is opened again: ${reasonOf(cause)}`, { cause });
}

const closed = (): Fault => new Fault('LOG_FAILED', 'The log is closed.');

const withdrawn = (signal: AbortSignal): Fault =>
  new Fault('BUSY', 'The log had no room in time.', { cause: signal.reason });
