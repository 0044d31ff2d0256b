/**
 * The consumer loop of one partition: read a batch, convert, stage it in every sink, keep the intent, write the dead
 * letters, commit the sinks, advance the checkpoint.
 *
 * - Exactly once (D3): a crash at any point is followed by the same batch again. What its earlier try has made dead
 *   letters is found in the dead-letter topic and left out; a sink that has the batch already says so by its own checkpoint.
 * - Nothing vanishes (D2): dead letters are durable before any sink commits.
 * - A sink that fails or stalls pauses the loop; the batch in hand is all that is held (D6).
 */
import { originOf } from '../dead-letters/dead-letter.ts';
import { refusedRecords } from '../dead-letters/refused-records.ts';
import { Fault, isFault } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import type { Log, LogRecord, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import type { RejectedEvent, Sink, SinkEvent } from '../sinks/sink.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { backoff } from './backoff.ts';
import { Checkpoint, type Intent } from './checkpoint.ts';
import { type Convert, header } from './convert.ts';
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

export class PartitionProcessor<Output> {
  readonly at: TopicPartition;
  readonly #options: ProcessorOptions<Output>;
  readonly #stopping = new AbortController();
  #checkpoint: Checkpoint | undefined;
  #next = 0;
  #sinks: readonly OpenSink<Output>[] = [];
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
    const opened: OpenSink<Output>[] = [];
    this.#sinks = opened;
    for (const sink of sinks) opened.push({ name: sink.name, partition: await sink.open(this.at) });
    this.#checkpoint = await Checkpoint.open(state, log.id, consumer, this.at);
    this.#next = this.#checkpoint.next;
  }

  async #close(): Promise<void> {
    const sinks = this.#sinks;
    this.#sinks = [];
    this.#checkpoint = undefined;
    for (const { partition } of sinks) {
      await partition.close().catch((error: unknown) => this.#options.observer.failed(this.at, error, 0));
    }
  }

  async #step(): Promise<void> {
    const { log, limits } = this.#options;
    const checkpoint = this.#checkpoint as Checkpoint;
    const { intent } = checkpoint;
    const records = intent
      ? await readRange(log, this.at, intent, limits.maxBytes)
      : this.#cutAtSinks(await readBatch(log, this.at, checkpoint.next, limits, this.#stopping.signal));
    const first = records[0];
    if (first) await this.#process(checkpoint, first.offset, records, intent);
  }

  /** A sink that is ahead of the checkpoint takes a batch whole or not at all: batches end where it stands. */
  #cutAtSinks(records: readonly LogRecord[]): readonly LogRecord[] {
    const from = records[0]?.offset ?? 0;
    const ahead = this.#sinks.map(({ partition }) => partition.next).filter((next) => next > from);
    return records.slice(0, Math.min(records.length, ...ahead.map((next) => next - from)));
  }

  async #process(
    checkpoint: Checkpoint,
    from: number,
    records: readonly LogRecord[],
    earlier: Intent | undefined,
  ): Promise<void> {
    const startedMs = performance.now();
    const to = from + records.length;
    const letters = earlier ? await this.#deadLetteredSince(earlier) : [];
    const out = new Set([...letters, ...(earlier?.dropped ?? [])]);
    const { events, invalid } = await this.#convert(records, out);
    const staged = await stageBatch(this.#sinks, { from, to, events }, earlier?.plans ?? {});
    let dropped = earlier?.dropped ?? [];
    try {
      for (const refused of staged.rejected)
        invalid.push({ ...refused, record: records[refused.offset - from] as LogRecord });
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
    this.#next = to;
    const seconds = (performance.now() - startedMs) / 1000;
    const deadLettered = out.size + invalid.length - dropped.length;
    const outcome = { from, to, landed: staged.events, deadLettered, dropped: dropped.length, seconds };
    this.#options.observer.landed(this.at, outcome);
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
    const origin = header(letter, 'pipeline') === this.#options.consumer ? originOf(letter) : undefined;
    return origin?.topic === this.at.topic && origin.partition === this.at.partition ? origin.offset : undefined;
  }

  async #writeDeadLetters(invalid: readonly Invalid[]): Promise<void> {
    const { log, deadLetterTopic, consumer, onInvalid } = this.#options;
    if (onInvalid !== 'dead-letter' || invalid.length === 0) return;
    const batch = log.batch();
    for (const { record, path, message } of invalid) {
      const origin = { ...this.at, offset: record.offset };
      const refused = { record, origin, pipeline: consumer, deadLetterTopic, path, message };
      for (const made of refusedRecords(refused)) batch.add(made);
    }
    await log.append(batch);
  }
}
