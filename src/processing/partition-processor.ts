/**
 * The consumer loop of one partition: read a batch and convert it into every sink, stage it, keep the intent, write the
 * dead letters, commit the sinks, advance the checkpoint.
 *
 * - Exactly once (D3): a crash at any point is followed by the same batch again. What its earlier try has made dead
 *   letters is found in the dead-letter topic and left out; a sink that has the batch already says so by its own checkpoint.
 * - What has landed in a sink is never a dead letter too: where code that has changed refuses it in a redo, the other sinks go without it.
 * - A sink whose own checkpoint is behind (another database, or a restored one) gets again what the log still has; the others
 *   keep what they have (docs/decisions/landing-again.md).
 * - Nothing vanishes (D2): dead letters are durable before any sink commits; records that the log has lost are told.
 * - A sink that fails or stalls pauses the loop; the batch that lands and the next one, which is filled meanwhile, are all
 *   that is held (D6).
 */
import { type Fault, isFault } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { Sink } from '../sinks/sink.ts';
import type { StatePut } from '../stores/state/state-store.ts';
import { type Span, within } from '../telemetry/tracing.ts';
import { backoff } from './backoff.ts';
import { type Ahead, BatchFiller, type FillerOptions } from './batch-filler.ts';
import type { BatchInHand, Invalid } from './batch-in-hand.ts';
import { batchSpan } from './batch-span.ts';
import { Checkpoint, type Intent } from './checkpoint.ts';
import { behindOf, landsAgain, withLandedBefore } from './land-again.ts';
import type { Notice } from './notice.ts';
import { refuseOlderLog } from './older-log.ts';
import { type OpenSink, openSink } from './open-sink.ts';
import type { Ownership } from './ownership.ts';
import { noteOpened } from './opening.ts';
import { Refusals } from './refusals.ts';
import { type StagedBatch, stageBatch } from './stage-batch.ts';

export interface ProcessorOptions<Output> extends FillerOptions<Output> {
  readonly sinks: readonly Sink<Output>[];
  readonly observer: ProcessorObserver;
  /**
   * Given where what lands may be replayed (D9). Throws where it could not be found again: the pipeline may be another than when its
   * replay was asked for.
   */
  readonly checkReplayable?: () => void;
}

/** Told of what happens; must not throw. */
export interface ProcessorObserver {
  landed(at: TopicPartition, outcome: BatchOutcome): void;
  /** The batch is tried again. */
  failed(at: TopicPartition, error: unknown, attempt: number): void;
  /** The partition stands still until a restart. */
  halted(at: TopicPartition, error: unknown): void;
  noticed(at: TopicPartition, notice: Notice): void;
  /** A stretch of a replay has landed. */
  replayed(at: TopicPartition, outcome: ReplayOutcome): void;
  /** What is this process's to process from now on. */
  assigned(topic: string, partitions: readonly number[]): void;
  /** Something keeps this process from its share of the partitions; it tries on. */
  unassigned(topic: string, error: unknown): void;
}

export interface BatchOutcome {
  readonly from: number;
  readonly to: number;
  readonly landed: number;
  readonly deadLettered: number;
  readonly dropped: number;
  /** Events of void packages. */
  readonly voided: number;
  /** Of events whose key was seen before. */
  readonly duplicates: number;
  /** How many, by reason. */
  readonly filtered: ReadonlyMap<string, number>;
  readonly seconds: number;
}

/** Offsets `from <= offset < to`, of those up to `end` that are to be replayed. */
export interface ReplayOutcome {
  readonly from: number;
  readonly to: number;
  readonly end: number;
  readonly landed: number;
  readonly refused: number;
}

export class PartitionProcessor<Output> {
  readonly at: TopicPartition;
  readonly #options: ProcessorOptions<Output>;
  readonly #refusals: Refusals;
  readonly #ownership: Ownership;
  readonly #stopping = new AbortController();
  #checkpoint: Checkpoint | undefined;
  #next = 0;
  #sinks: readonly OpenSink<Output>[] = [];
  #ahead: Ahead<Output> | undefined;
  #filler: BatchFiller<Output> | undefined;
  #hasToldAgain = false;
  /** Below it, what is gone from the log has been told with that. */
  #toldGoneTo = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(ownership: Ownership, options: ProcessorOptions<Output>) {
    this.at = ownership.at;
    this.#options = options;
    this.#ownership = ownership;
    this.#refusals = new Refusals(ownership, options);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Offsets below it have landed, as far as this process knows. */
  get next(): number {
    return this.#next;
  }

  /** Lands what is in hand (D8). */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted || this.#ahead;) {
      try {
        if (!this.#checkpoint) await this.#open();
        await this.#step();
        attempt = 0;
      } catch (error) {
        await this.#close();
        if (isFault(error, 'PIPELINE_HALTED') || isFault(error, 'LOG_ROTTEN')) {
          this.#options.observer.halted(this.at, error);
          break;
        }
        this.#options.observer.failed(this.at, error, attempt);
        await backoff(attempt++, signal);
      }
    }
    await this.#close();
  }

  async #open(): Promise<void> {
    const { log, state, consumer, sinks } = this.#options;
    await this.#refusals.begin();
    // First: sinks move before it, so none is behind what it was, whoever moves them meanwhile, unless it has lost something.
    const of = { logId: log.id, consumer, at: this.at };
    const checkpoint = await Checkpoint.open(state, of);
    const opened: OpenSink<Output>[] = [];
    this.#sinks = opened;
    for (const sink of sinks) opened.push(await openSink(sink, this.at));
    await refuseOlderLog(this.#options, this.at, checkpoint, opened);
    await this.#goBackTo(behindOf(opened, checkpoint.next), checkpoint);
    const { landedTo } = checkpoint;
    if (landedTo !== undefined) this.#sinks = opened.map((sink) => withLandedBefore(sink, landedTo));
    await noteOpened(state, of);
    this.#filler = new BatchFiller(this.at, this.#options, this.#sinks);
    this.#checkpoint = checkpoint;
    this.#next = checkpoint.next;
    await this.#ownership.landed(this.#next);
  }

  async #goBackTo(behind: readonly OpenSink<Output>[], checkpoint: Checkpoint): Promise<void> {
    for (const { partition } of behind) await partition.landAgain?.();
    if (behind.length > 0) {
      await checkpoint.goBack(Math.min(...behind.map(({ partition }) => partition.next)));
      this.#hasToldAgain = false;
    }
    if (checkpoint.landedTo === undefined || this.#hasToldAgain) return;
    const { log, observer } = this.#options;
    const { start } = await log.range(this.at);
    const { next, landedTo } = checkpoint;
    const notice = landsAgain(this.#sinks, { next, landedTo, start });
    observer.noticed(this.at, notice);
    this.#hasToldAgain = true;
    this.#toldGoneTo = notice.gone.to;
  }

  async #close(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    ahead?.abandon();
    await ahead?.filled.catch(() => undefined); // whatever failed has been told, or is tried again
    const sinks = this.#sinks;
    this.#sinks = [];
    this.#checkpoint = undefined;
    this.#filler = undefined;
    for (const { partition } of sinks) {
      await partition.close().catch((error: unknown) => this.#options.observer.failed(this.at, error, 0));
    }
  }

  async #step(): Promise<void> {
    const checkpoint = this.#checkpoint as Checkpoint;
    const filler = this.#filler as BatchFiller<Output>;
    const { signal } = this.#stopping;
    const { intent, landedTo } = checkpoint;
    const ahead = this.#ahead ?? filler.begin(checkpoint, signal);
    this.#ahead = undefined;
    let batch: BatchInHand<Output>;
    try {
      batch = await ahead.filled;
    } catch (error) {
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      return this.#passOver(checkpoint, filler, error);
    }
    if (batch.to === batch.from) return;
    // Where something lands again, what comes behind it may be an intent, which the checkpoint knows only then.
    if (!signal.aborted && landedTo === undefined) this.#ahead = filler.begin({ next: batch.to }, signal);
    const span = this.#span(batch);
    await within(span, () => this.#land(checkpoint, batch, intent, span));
  }

  #span({ from, to, origins }: BatchInHand<Output>): Span | undefined {
    if (origins === undefined || origins.links.size === 0) return undefined;
    const { traces, consumer } = this.#options;
    return batchSpan(traces, origins, { at: this.at, consumer, from, to });
  }

  /** No sink gets anything of what the log does not have any more; their checkpoints move past it. */
  async #passOver(checkpoint: Checkpoint, filler: BatchFiller<Output>, outOfRange: Fault): Promise<void> {
    const { next: from, landedTo } = checkpoint;
    const { start } = await this.#options.log.range(this.at);
    if (start <= from) throw outOfRange;
    const to = filler.cut(from, start, landedTo);
    const empty = filler.empty(from, to);
    const staged = await stageBatch(empty.sinks, { from, to }, {});
    try {
      await staged.commit();
    } catch (error) {
      await staged.abort();
      throw error;
    }
    const why = checkpoint.isNew ? 'new' : 'lost';
    // Before the checkpoint: a crash may tell it twice, but not pass it over in silence.
    if (to > this.#toldGoneTo) this.#options.observer.noticed(this.at, { kind: 'passed over', from, to, why });
    await checkpoint.passOver(to);
    filler.duplicates?.landed(to); // read before they were gone, and landed nowhere
    this.#next = to;
  }

  async #land(
    checkpoint: Checkpoint,
    batch: BatchInHand<Output>,
    earlier: Intent | undefined,
    span: Span | undefined,
  ): Promise<void> {
    const startedMs = performance.now();
    const { onInvalid, observer, limits, checkReplayable } = this.#options;
    const { from, to, invalid, hasLanded } = batch;
    const again = checkpoint.landedTo !== undefined;
    const staged = await stageBatch(batch.sinks, { from, to }, earlier?.plans ?? {}, span);
    let dropped = earlier?.dropped ?? [];
    try {
      batch.reject(await this.#refusals.withRecords(staged.rejected));
      const alike = this.#filler?.duplicates?.withRefusedFirsts(batch.duplicates, invalid) ?? [];
      batch.rejectDuplicates(await this.#refusals.withRecords(alike));
      this.#refusals.haltOn(invalid);
      if (!hasLanded && onInvalid === 'drop') dropped = [...dropped, ...invalid.map(({ offset }) => offset)];
      await this.#intend(checkpoint, { from, to, dropped, duplicates: batch.duplicates }, staged, earlier);
      if (!hasLanded) await this.#refusals.write(invalid);
      await staged.commit();
    } catch (error) {
      await staged.abort();
      throw error;
    }
    const size = checkReplayable && { bytes: batch.bytes, maxBytes: limits.maxBytes };
    await checkpoint.advance(to, size, again ? [] : this.#seenIn(batch));
    this.#filler?.duplicates?.landed(to);
    this.#next = to;
    await this.#ownership.landed(to);
    const letters = hasLanded || onInvalid !== 'dead-letter' ? 0 : invalid.length;
    const deadLettered = letters + (again ? 0 : batch.out - (earlier?.dropped?.length ?? 0));
    const seconds = (performance.now() - startedMs) / 1000;
    span?.set({ 'tributary.events.landed': batch.events, 'tributary.events.dead_lettered': deadLettered });
    const { events: landed, voided, filtered } = batch;
    const counts = { landed, deadLettered, dropped: dropped.length, voided, filtered };
    observer.landed(this.at, { from, to, ...counts, duplicates: batch.duplicates.length, seconds });
    if (hasLanded) this.#tellLeftOut(invalid);
  }

  /** To be remembered with the checkpoint. */
  #seenIn({ from, to, invalid, duplicates }: BatchInHand<Output>): readonly StatePut[] {
    const refused = new Set(invalid.map(({ offset }) => offset));
    return this.#filler?.duplicates?.puts({ from, to }, duplicates, refused) ?? [];
  }

  #tellLeftOut(leftOut: readonly Invalid[]): void {
    const [first] = leftOut;
    if (!first) return;
    const { offset, path, message } = first;
    this.#options.observer.noticed(this.at, {
      kind: 'left out',
      events: leftOut.length,
      first: { offset, path, message },
    });
  }

  async #intend(
    checkpoint: Checkpoint,
    batch: Pick<Intent, 'from' | 'to' | 'dropped' | 'duplicates'>,
    { plans }: StagedBatch,
    earlier: Intent | undefined,
  ): Promise<void> {
    const deadLettersFrom = earlier?.deadLettersFrom ?? (await this.#deadLetterEnds());
    await checkpoint.intend({ ...batch, deadLettersFrom, plans: { ...earlier?.plans, ...plans } });
  }

  async #deadLetterEnds(): Promise<readonly number[]> {
    const { log, deadLetterTopic } = this.#options;
    const ends: number[] = [];
    for (const letters of await partitionsOf(log, deadLetterTopic)) ends.push((await log.range(letters)).end);
    return ends;
  }
}
