/**
 * The consumer loop of one partition: read a batch and convert it into every sink, stage it, keep the intent, write the
 * dead letters, commit the sinks, advance the checkpoint.
 *
 * - Exactly once (D3): a crash at any point is followed by the same batch again. What its earlier try has made dead
 *   letters is found in the dead-letter topic and left out; a sink that has the batch already says so by its own checkpoint.
 * - Nothing vanishes (D2): dead letters are durable before any sink commits.
 * - A sink that fails or stalls pauses the loop; the batch that lands and the next one, which is filled meanwhile, are all
 *   that is held (D6).
 */
import { deadLetterRecord, readDeadLetter } from '../dead-letters/dead-letter.ts';
import { Fault, isFault } from '../errors.ts';
import type { Log, LogRecord, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import type { RejectedEvent, Sink, SinkBatch, SinkPartition } from '../sinks/sink.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { backoff } from './backoff.ts';
import { BatchInHand, type Invalid } from './batch-in-hand.ts';
import { Checkpoint, type Intent } from './checkpoint.ts';
import { type Convert, header } from './convert.ts';
import { readBatch, readRange } from './read-batch.ts';
import { type StagedBatch, stageBatch } from './stage-batch.ts';

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
}

export interface BatchOutcome {
  readonly from: number;
  readonly to: number;
  readonly landed: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly seconds: number;
}

interface OpenSink<Output> {
  readonly name: string;
  readonly partition: SinkPartition<Output>;
  /** One lands while the other is filled. */
  readonly batches: readonly [SinkBatch<Output>, SinkBatch<Output>];
}

/** A batch that is being filled. */
interface Ahead<Output> {
  readonly filled: Promise<BatchInHand<Output>>;
  abandon(): void;
}

export class PartitionProcessor<Output> {
  readonly at: TopicPartition;
  readonly #options: ProcessorOptions<Output>;
  readonly #stopping = new AbortController();
  #checkpoint: Checkpoint | undefined;
  #next = 0;
  #sinks: readonly OpenSink<Output>[] = [];
  #ahead: Ahead<Output> | undefined;
  /** Which of each sink's batches is filled next. */
  #turn: 0 | 1 = 0;
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
    const opened: OpenSink<Output>[] = [];
    this.#sinks = opened;
    for (const sink of sinks) {
      const partition = await sink.open(this.at);
      opened.push({ name: sink.name, partition, batches: [partition.batch(), partition.batch()] });
    }
    this.#checkpoint = await Checkpoint.open(state, log.id, consumer, this.at);
    this.#next = this.#checkpoint.next;
  }

  async #close(): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    ahead?.abandon();
    await ahead?.filled.catch(() => undefined); // whatever failed has been told, or is tried again
    const sinks = this.#sinks;
    this.#sinks = [];
    this.#checkpoint = undefined;
    for (const { partition } of sinks) {
      await partition.close().catch((error: unknown) => this.#options.observer.failed(this.at, error, 0));
    }
  }

  async #step(): Promise<void> {
    const checkpoint = this.#checkpoint as Checkpoint;
    const { intent } = checkpoint;
    const ahead = this.#ahead ?? this.#fillAhead(checkpoint.next, intent);
    this.#ahead = undefined;
    const batch = await ahead.filled;
    const { from, to } = batch;
    if (to === from) return;
    if (!this.#stopping.signal.aborted) this.#ahead = this.#fillAhead(to);
    const startedMs = performance.now();
    const { deadLettered, dropped } = await this.#land(checkpoint, batch, intent);
    this.#next = to;
    const seconds = (performance.now() - startedMs) / 1000;
    this.#options.observer.landed(this.at, { from, to, landed: batch.events, deadLettered, dropped, seconds });
  }

  #fillAhead(from: number, intent?: Intent): Ahead<Output> {
    const abandoned = new AbortController();
    const signal = AbortSignal.any([abandoned.signal, this.#stopping.signal]);
    const filled = this.#fill(from, intent, signal);
    filled.catch(() => undefined); // it is awaited, but not always at the moment it comes
    return { filled, abandon: () => abandoned.abort() };
  }

  async #fill(from: number, intent: Intent | undefined, signal: AbortSignal): Promise<BatchInHand<Output>> {
    const { log, limits, convert } = this.#options;
    const offsets = intent ?? { from, to: this.#nextSinkAfter(from) };
    const turn = this.#turn;
    this.#turn = turn === 0 ? 1 : 0;
    const sinks = this.#sinks.filter(({ partition }) => partition.next < offsets.to);
    const out = intent ? [...(await this.#deadLetteredSince(intent)), ...(intent.dropped ?? [])] : [];
    const batch = new BatchInHand(
      from,
      sinks.map(({ name, batches }) => ({ name, batch: batches[turn] })),
      new Set(out),
    );
    const pages = intent ? readRange(log, this.at, intent) : readBatch(log, this.at, offsets, limits, signal);
    for await (const records of pages) batch.add(records, await convert(records));
    return batch;
  }

  /** A sink that is ahead of the checkpoint takes a batch whole or not at all: batches end where it stands. */
  #nextSinkAfter(from: number): number {
    return Math.min(...this.#sinks.map(({ partition }) => partition.next).filter((next) => next > from));
  }

  async #land(
    checkpoint: Checkpoint,
    batch: BatchInHand<Output>,
    earlier: Intent | undefined,
  ): Promise<{ readonly deadLettered: number; readonly dropped: number }> {
    const { from, to, invalid, out } = batch;
    const staged = await stageBatch(batch.sinks, { from, to }, earlier?.plans ?? {});
    let dropped = earlier?.dropped ?? [];
    try {
      batch.reject(await this.#withRecords(staged.rejected));
      this.#haltOnInvalid(invalid);
      if (this.#options.onInvalid === 'drop') dropped = [...dropped, ...invalid.map(({ offset }) => offset)];
      await this.#intend(checkpoint, { from, to, dropped }, staged, earlier);
      await this.#writeDeadLetters(invalid);
      await staged.commit();
    } catch (error) {
      await staged.abort();
      throw error;
    }
    await checkpoint.advance(to);
    return { deadLettered: out.size + invalid.length - dropped.length, dropped: dropped.length };
  }

  /** What a sink refuses only when it stages is read again. */
  async #withRecords(rejected: readonly RejectedEvent[]): Promise<readonly Invalid[]> {
    const byOffset = new Map(rejected.map((one) => [one.offset, one]));
    const offsets = rejected.map(({ offset }) => offset);
    const found: Invalid[] = [];
    if (rejected.length === 0) return found;
    const range = { from: Math.min(...offsets), to: Math.max(...offsets) + 1 };
    for await (const records of readRange(this.#options.log, this.at, range)) {
      for (const record of records) {
        const one = byOffset.get(record.offset);
        if (one) found.push({ ...one, record });
      }
    }
    return found;
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

  /** Offsets of this partition that the interrupted try has made dead letters of. Others may have written many since (D6). */
  async #deadLetteredSince({ from, to, deadLettersFrom }: Intent): Promise<readonly number[]> {
    const { log, deadLetterTopic, limits } = this.#options;
    const offsets: number[] = [];
    for (const [partition, start] of deadLettersFrom.entries()) {
      const letters = { topic: deadLetterTopic, partition };
      const { end } = await log.range(letters);
      for (let next = start; next < end;) {
        const records = await log.read(letters, next, limits);
        for (const record of records) {
          const offset = this.#originIn(record);
          if (offset !== undefined && offset >= from && offset < to) offsets.push(offset);
        }
        next += records.length;
      }
    }
    return offsets;
  }

  /** The offset of which this consumer has made the letter. */
  #originIn(letter: LogRecord): number | undefined {
    const isOurs = header(letter, 'pipeline') === this.#options.consumer && header(letter, 'origin') !== '';
    const origin = isOurs ? readDeadLetter(letter).origin : undefined;
    return origin?.topic === this.at.topic && origin.partition === this.at.partition ? origin.offset : undefined;
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
