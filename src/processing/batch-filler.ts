/**
 * Fills the batches of a partition's sinks: which records come into the next one, and which of their events are out, because an
 * earlier try has dropped them or made dead letters of them. Each sink has two batches, which take turns.
 */
import type { Log, TopicPartition } from '../log/log.ts';
import type { BatchLimits } from '../pipeline/pipeline.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { Traces } from '../telemetry/tracing.ts';
import { BatchInHand } from './batch-in-hand.ts';
import { BatchOrigins } from './batch-origins.ts';
import type { Intent } from './checkpoint.ts';
import { deadLetteredSince, earlierLetters, type LetterSearch } from './dead-lettered.ts';
import { type Deduplicating, Duplicates, earlierDuplicates } from './duplicates.ts';
import type { FoundOffsets, OffsetWindow } from './offset-window.ts';
import type { OpenSink } from './open-sink.ts';
import { readBatch, readRange } from './read-batch.ts';
import type { ConvertOrVoid } from './void-packages.ts';

/** A batch that is being filled. */
export interface Ahead<Output> {
  readonly filled: Promise<BatchInHand<Output>>;
  abandon(): void;
}

/** Where a batch begins (`Checkpoint`). */
export interface Beginning {
  readonly next: number;
  /** To be done again. */
  readonly intent?: Intent | undefined;
  /** Below it everything lands again. */
  readonly landedTo?: number | undefined;
}

/** Which of these records an earlier try has dropped or made dead letters of. */
type FindOut = (records: OffsetWindow) => Promise<readonly number[]>;

export interface FillerOptions<Output> {
  readonly state: StateStore;
  /** Names the checkpoints: the pipeline's name, or another that no pipeline has. */
  readonly consumer: string;
  readonly log: Log;
  readonly convert: ConvertOrVoid<Output>;
  readonly limits: BatchLimits;
  readonly onInvalid: 'halt' | 'dead-letter' | 'drop';
  /** Where invalid events go; needed for `dead-letter`. */
  readonly deadLetterTopic: string;
  readonly traces?: Traces | undefined;
  /** Default: no event is a duplicate. */
  readonly deduplicate?: Deduplicating<Output> | undefined;
}

export class BatchFiller<Output> {
  readonly #at: TopicPartition;
  readonly #options: FillerOptions<Output>;
  readonly #sinks: readonly OpenSink<Output>[];
  /** Which of each sink's batches is filled next. */
  #turn: 0 | 1 = 0;
  #earlierLetters: FoundOffsets | undefined;
  /** Undefined where events are not deduplicated. */
  readonly duplicates: Duplicates<Output> | undefined;
  readonly #earlierDuplicates: FoundOffsets;

  constructor(at: TopicPartition, options: FillerOptions<Output>, sinks: readonly OpenSink<Output>[]) {
    this.#at = at;
    this.#options = options;
    this.#sinks = sinks;
    const { deduplicate, state, log, consumer } = options;
    const of = { logId: log.id, consumer, at };
    this.duplicates = deduplicate && new Duplicates({ ...deduplicate, state, of });
    this.#earlierDuplicates = earlierDuplicates(state, of);
  }

  /** @param stopping ends the wait for more records */
  begin(beginning: Beginning, stopping: AbortSignal): Ahead<Output> {
    const abandoned = new AbortController();
    const filled = this.#fill(beginning, AbortSignal.any([abandoned.signal, stopping]));
    filled.catch(() => undefined); // it is awaited, but not always at the moment it comes
    return { filled, abandon: () => abandoned.abort() };
  }

  /** For offsets of which there are no records. */
  empty(from: number, to: number): BatchInHand<Output> {
    return new BatchInHand(from, this.#takeBatches(to), false);
  }

  /** A sink that is ahead of the checkpoint takes a batch whole or not at all: batches end where it stands. */
  cut(from: number, to: number, landedTo: number | undefined): number {
    const stands = [...this.#sinks.map(({ partition }) => partition.next), landedTo ?? to];
    return Math.min(to, ...stands.filter((next) => next > from));
  }

  async #fill({ next, intent, landedTo }: Beginning, signal: AbortSignal): Promise<BatchInHand<Output>> {
    const { log, limits, convert, onInvalid, traces } = this.#options;
    const offsets = intent ?? { from: next, to: this.cut(next, Infinity, landedTo) };
    const again = landedTo !== undefined;
    const isIn = this.#sinks.some(({ partition }) => partition.next >= offsets.to || (again && !partition.landAgain));
    // Where nothing tells what was dropped, what is refused now was.
    const isTold = intent !== undefined || onInvalid !== 'drop';
    const origins = traces && new BatchOrigins();
    const batch = new BatchInHand(offsets.from, this.#takeBatches(offsets.to), isIn && isTold, origins);
    const findOut = await this.#outOf(intent, again, isIn);
    const inIntent = intent && new Set(intent.duplicates);
    const pages = intent ? readRange(log, this.#at, intent) : readBatch(log, this.#at, offsets, limits, signal);
    for await (const page of pages) {
      origins?.add(page.records);
      const window = { from: batch.to, to: page.next };
      const out = new Set(await findOut(window));
      const outputs = await convert(page.records);
      const known = again && this.duplicates ? new Set(await this.#earlierDuplicates.within(window)) : inIntent;
      batch.add(page, (await this.duplicates?.without(page.records, outputs, out, known)) ?? outputs, out);
    }
    origins?.filled();
    return batch;
  }

  /** Of the sinks that do not have everything below `to` already. */
  #takeBatches(to: number): BatchInHand<Output>['sinks'] {
    const turn = this.#turn;
    this.#turn = turn === 0 ? 1 : 0;
    const open = this.#sinks.filter(({ partition }) => partition.next < to);
    return open.map(({ name, batches }) => ({ name, batch: batches[turn] }));
  }

  async #outOf(intent: Intent | undefined, again: boolean, isIn: boolean): Promise<FindOut> {
    const dropped = intent?.dropped ?? [];
    if (intent && !again) {
      const letters = await deadLetteredSince(this.#letterSearch(), intent, intent.deadLettersFrom);
      return () => Promise.resolve([...letters, ...dropped]);
    }
    if (!again && !isIn) return () => Promise.resolve(dropped);
    // By this process or one before it, in a try that nothing else tells of.
    this.#earlierLetters ??= earlierLetters(this.#letterSearch());
    const earlier = this.#earlierLetters;
    return async (page) => [...(await earlier.within(page)), ...dropped];
  }

  #letterSearch(): LetterSearch {
    const { log, consumer, deadLetterTopic, limits } = this.#options;
    return { log, consumer, at: this.#at, deadLetterTopic, maxBytes: limits.maxBytes };
  }
}
