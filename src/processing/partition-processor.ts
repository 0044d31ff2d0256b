/**
 * The consumer loop of one partition: read a batch, convert, stage it in every sink, keep the intent, write the dead
 * letters, commit the sinks, advance the checkpoint.
 *
 * - Exactly once (D3): a crash at any point is followed by the same batch again. What its earlier try has made dead
 *   letters is found in the dead-letter topic and left out; a sink that has the batch already says so by its own checkpoint.
 * - What has landed in a sink is never a dead letter too: where code that has changed refuses it in a redo, the other sinks go without it.
 * - A sink whose own checkpoint is behind (another database, or a restored one) gets again what the log still has; the others
 *   keep what they have (docs/decisions/landing-again.md).
 * - Nothing vanishes (D2): dead letters are durable before any sink commits; records that the log has lost are told.
 * - A sink that fails or stalls pauses the loop; the batch in hand is all that is held (D6).
 */
import { deadLetterRecord } from '../dead-letters/dead-letter.ts';
import { Fault, isFault } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import type { Log, LogRecord, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import type { RejectedEvent, Sink, SinkEvent } from '../sinks/sink.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { backoff } from './backoff.ts';
import { Checkpoint, type Intent } from './checkpoint.ts';
import { type Convert, header } from './convert.ts';
import { deadLetteredSince, EarlierLetters, type LetterSearch, type OffsetWindow } from './dead-lettered.ts';
import { behindOf, landsAgain, withLandedBefore } from './land-again.ts';
import type { Notice } from './notice.ts';
import { readBatch, readRange } from './read-batch.ts';
import { type OpenSink, type StagedBatch, stageBatch } from './stage-batch.ts';

export interface ProcessorOptions<Output> {
  /** Names the checkpoints: the pipeline's name, or another that no pipeline has. */
  readonly consumer: string;
  readonly log: Log;
  readonly state: StateStore;
  readonly convert: Convert<Output>;
  readonly sinks: readonly Sink<Output>[];
  readonly limits: BatchLimits;
  readonly onInvalid: 'halt' | 'dead-letter' | 'drop';
  /** Where invalid events go; needed for `dead-letter`. */
  readonly deadLetterTopic: string;
  readonly observer: ProcessorObserver;
}

/** Told of what happens; must not throw. */
export interface ProcessorObserver {
  landed(at: TopicPartition, outcome: BatchOutcome): void;
  /** The batch is tried again. */
  failed(at: TopicPartition, error: unknown, attempt: number): void;
  /** The partition stands still until a restart. */
  halted(at: TopicPartition, error: unknown): void;
  noticed(at: TopicPartition, notice: Notice): void;
}

export interface BatchOutcome {
  readonly from: number;
  readonly to: number;
  readonly landed: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly seconds: number;
}

interface Invalid extends RejectedEvent {
  readonly record: LogRecord;
}

/** What is known of a batch that was tried, or has landed in some sink, before. */
interface Before {
  /** Offsets that are dead letters already. */
  readonly letters: readonly number[];
  readonly dropped: readonly number[];
  /** A sink has it: what is in neither list has landed there. */
  readonly hasLanded: boolean;
}

export class PartitionProcessor<Output> {
  readonly at: TopicPartition;
  readonly #options: ProcessorOptions<Output>;
  readonly #stopping = new AbortController();
  #checkpoint: Checkpoint | undefined;
  #next = 0;
  #sinks: readonly OpenSink<Output>[] = [];
  #earlierLetters: EarlierLetters | undefined;
  #hasToldAgain = false;
  /** Below it, what is gone from the log has been told with that. */
  #toldGoneTo = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(at: TopicPartition, options: ProcessorOptions<Output>) {
    this.at = at;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Offsets below it have landed, as far as this process knows. */
  get next(): number {
    return this.#next;
  }

  /** Finishes the batch in hand (D8). */
  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted;) {
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
    // First: sinks move before it, so none is behind what it was, whoever moves them meanwhile, unless it has lost something.
    const checkpoint = await Checkpoint.open(state, log.id, consumer, this.at);
    const opened: OpenSink<Output>[] = [];
    this.#sinks = opened;
    for (const sink of sinks) opened.push({ name: sink.name, partition: await sink.open(this.at) });
    await this.#goBackTo(behindOf(opened, checkpoint.next), checkpoint);
    const { landedTo } = checkpoint;
    if (landedTo !== undefined) this.#sinks = opened.map((sink) => withLandedBefore(sink, landedTo));
    this.#checkpoint = checkpoint;
    this.#next = checkpoint.next;
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
    const sinks = this.#sinks;
    this.#sinks = [];
    this.#checkpoint = undefined;
    this.#earlierLetters = undefined;
    for (const { partition } of sinks) {
      await partition.close().catch((error: unknown) => this.#options.observer.failed(this.at, error, 0));
    }
  }

  async #step(): Promise<void> {
    const checkpoint = this.#checkpoint as Checkpoint;
    const { intent } = checkpoint;
    let records: readonly LogRecord[];
    try {
      records = await this.#read(checkpoint);
    } catch (error) {
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      return this.#passOver(checkpoint, error);
    }
    const first = records[0];
    if (first) await this.#process(checkpoint, first.offset, records, intent);
  }

  async #read({ intent, next, landedTo }: Checkpoint): Promise<readonly LogRecord[]> {
    const { log, limits } = this.#options;
    if (intent) return readRange(log, this.at, intent, limits.maxBytes);
    const records = await readBatch(log, this.at, next, limits, this.#stopping.signal);
    return records.slice(0, this.#cutAtSinks(next, next + records.length, landedTo) - next);
  }

  /** A sink that is ahead of the checkpoint takes a batch whole or not at all: batches end where it stands. */
  #cutAtSinks(from: number, to: number, landedTo: number | undefined): number {
    const stands = [...this.#sinks.map(({ partition }) => partition.next), landedTo ?? to];
    return Math.min(to, ...stands.filter((next) => next > from));
  }

  /** No sink gets anything of what the log does not have any more; their checkpoints move past it. */
  async #passOver(checkpoint: Checkpoint, outOfRange: Fault): Promise<void> {
    const { next: from, landedTo } = checkpoint;
    const { start } = await this.#options.log.range(this.at);
    if (start <= from) throw outOfRange;
    const to = this.#cutAtSinks(from, start, landedTo);
    const staged = await stageBatch(this.#sinks, { from, to, events: [] }, {});
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
    this.#next = to;
  }

  async #process(
    checkpoint: Checkpoint,
    from: number,
    records: readonly LogRecord[],
    earlier: Intent | undefined,
  ): Promise<void> {
    const startedMs = performance.now();
    const { observer } = this.#options;
    const to = from + records.length;
    const again = checkpoint.landedTo !== undefined;
    const before = await this.#before({ from, to }, again, earlier);
    const { events, invalid } = await this.#convert(records, new Set([...before.letters, ...before.dropped]));
    const staged = await stageBatch(this.#sinks, { from, to, events }, earlier?.plans ?? {});
    let { dropped } = before;
    let leftOut: readonly Invalid[] = [];
    let letters: readonly Invalid[] = [];
    try {
      for (const refused of staged.rejected)
        invalid.push({ ...refused, record: records[refused.offset - from] as LogRecord });
      this.#haltOnInvalid(invalid);
      if (before.hasLanded) leftOut = invalid;
      else if (this.#options.onInvalid === 'drop') dropped = [...dropped, ...invalid.map(({ offset }) => offset)];
      else letters = invalid;
      await this.#intend(checkpoint, { from, to, dropped }, staged, earlier);
      await this.#writeDeadLetters(letters);
      await staged.commit();
    } catch (error) {
      await staged.abort();
      throw error;
    }
    await checkpoint.advance(to);
    this.#next = to;
    const seconds = (performance.now() - startedMs) / 1000;
    const deadLettered = letters.length + (again ? 0 : before.letters.length);
    const outcome = { from, to, landed: staged.events, deadLettered, dropped: dropped.length, seconds };
    observer.landed(this.at, outcome);
    const [first] = leftOut;
    if (!first) return;
    const { offset, path, message } = first;
    observer.noticed(this.at, { kind: 'left out', events: leftOut.length, first: { offset, path, message } });
  }

  async #before(batch: OffsetWindow, again: boolean, earlier: Intent | undefined): Promise<Before> {
    const dropped = earlier?.dropped ?? [];
    const isIn = this.#sinks.some(({ partition }) => partition.next >= batch.to || (again && !partition.landAgain));
    if (!again && !isIn && !earlier) return { letters: [], dropped, hasLanded: false };
    const letters =
      earlier && !again
        ? await deadLetteredSince(this.#letterSearch(), batch, earlier.deadLettersFrom)
        : await this.#lettersBefore(batch);
    // Where nothing tells what was dropped, what is refused now was.
    const isTold = earlier !== undefined || this.#options.onInvalid !== 'drop';
    return { letters, dropped, hasLanded: isIn && isTold };
  }

  /** By this process or one before it, in a try that nothing else tells of. */
  #lettersBefore(batch: OffsetWindow): Promise<readonly number[]> {
    this.#earlierLetters ??= new EarlierLetters(this.#letterSearch());
    return this.#earlierLetters.within(batch);
  }

  async #convert(
    records: readonly LogRecord[],
    out: ReadonlySet<number>,
  ): Promise<{ events: readonly SinkEvent<Output>[]; invalid: Invalid[] }> {
    const events: SinkEvent<Output>[] = [];
    const invalid: Invalid[] = [];
    const outputs = await this.#options.convert(records);
    outputs.forEach((output, i) => {
      const record = records[i] as LogRecord;
      const { offset } = record;
      if (out.has(offset)) return;
      if (output instanceof Reject) invalid.push({ offset, path: output.path, message: output.message, record });
      else events.push({ offset, event: output });
    });
    return { events, invalid };
  }

  #haltOnInvalid(invalid: readonly Invalid[]): void {
    const [first] = invalid;
    if (this.#options.onInvalid !== 'halt' || !first) return;
    const where = `${this.at.topic}-${this.at.partition}, offset ${first.offset}`;
    throw new Fault('PIPELINE_HALTED', `${this.#options.consumer} halted at ${where}: ${first.path}: ${first.message}`);
  }

  async #intend(
    checkpoint: Checkpoint,
    batch: Pick<Intent, 'from' | 'to' | 'dropped'>,
    { plans }: StagedBatch,
    earlier: Intent | undefined,
  ): Promise<void> {
    const deadLettersFrom = earlier?.deadLettersFrom ?? (await this.#deadLetterEnds());
    await checkpoint.intend({ ...batch, deadLettersFrom, plans: { ...earlier?.plans, ...plans } });
  }

  async #deadLetterEnds(): Promise<readonly number[]> {
    const { log, deadLetterTopic } = this.#options;
    const topic = (await log.topics()).find(({ name }) => name === deadLetterTopic);
    const ends: number[] = [];
    for (let partition = 0; partition < (topic?.partitions ?? 0); partition++) {
      ends.push((await log.range({ topic: deadLetterTopic, partition })).end);
    }
    return ends;
  }

  #letterSearch(): LetterSearch {
    const { log, consumer, deadLetterTopic, limits } = this.#options;
    return { log, consumer, at: this.at, deadLetterTopic, maxBytes: limits.maxBytes };
  }

  async #writeDeadLetters(invalid: readonly Invalid[]): Promise<void> {
    const { log, deadLetterTopic, consumer, onInvalid } = this.#options;
    if (onInvalid !== 'dead-letter' || invalid.length === 0) return;
    const batch = log.batch();
    for (const { record, path, message } of invalid) {
      const correlationId = header(record, 'correlationId');
      const received = record.headers.find(([name]) => name === 'received');
      const letter = { correlationId, at: 'processor', pipeline: consumer, path, message } as const;
      const event = received?.[1] ?? record.value;
      batch.add(deadLetterRecord(deadLetterTopic, { ...letter, event, origin: { ...this.at, offset: record.offset } }));
    }
    await log.append(batch);
  }
}
