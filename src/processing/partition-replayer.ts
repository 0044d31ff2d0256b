/**
 * Replays one partition (D9): what has landed lands again, through the code of today, a stretch (`cuts.ts`) at a time. Each
 * stretch takes the place of what the sinks have of it; what is refused today becomes a dead letter. Done twice, or killed
 * anywhere and done again, it leaves what once leaves.
 *
 * - It goes on beside the processor, which lands what is new; each of them holds batches of its own (D6).
 * - What is a duplicate stays one, and what is a dead letter: it is repaired as one, and its replay is a record of its own.
 * - A sink that fails is tried again; a record that cannot be read, or that halts the pipeline, stops the replay and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultCode, isFault, reasonOf } from '../errors.ts';
import type { LogRecord, TopicPartition } from '../log/log.ts';
import { headerText } from '../log/record-header.ts';
import { backoff } from './backoff.ts';
import { BatchInHand } from './batch-in-hand.ts';
import type { ConsumerPartition } from './consumer-partition.ts';
import { readCuts } from './cuts.ts';
import { earlierLetters } from './dead-lettered.ts';
import { earlierDuplicates } from './duplicates.ts';
import type { FoundOffsets } from './offset-window.ts';
import { openSink, type OpenSink } from './open-sink.ts';
import type { ProcessorOptions } from './partition-processor.ts';
import type { Ownership } from './ownership.ts';
import { readRange } from './read-batch.ts';
import { Refusals } from './refusals.ts';
import { ReplayProgress, type ReplayRange } from './replay-progress.ts';
import { stageBatch } from './stage-batch.ts';

/** What was asked of another process is found so soon. */
const lookEveryMs = 2_000;

/** What a replay holds on to from its first stretch to its last. */
interface InHand<Output> {
  readonly progress: ReplayProgress;
  readonly sinks: readonly OpenSink<Output>[];
  readonly cuts: readonly number[];
  readonly letters: FoundOffsets;
  readonly duplicates: FoundOffsets;
}

export class PartitionReplayer<Output> {
  readonly #at: TopicPartition;
  readonly #options: ProcessorOptions<Output>;
  readonly #refusals: Refusals;
  readonly #stopping = new AbortController();
  #woken = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();

  constructor(ownership: Ownership, options: ProcessorOptions<Output>) {
    this.#at = ownership.at;
    this.#options = options;
    this.#refusals = new Refusals(ownership, options);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Somebody has asked for a replay. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Lands the stretch in hand (D8); the rest waits for the next start. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted;) {
      this.#woken = Promise.withResolvers();
      const asked = this.#woken.promise;
      try {
        await this.#replay();
        attempt = 0;
        if (!signal.aborted) await this.#askedOr(asked);
      } catch (error) {
        // Where it is stale, it was asked for again meanwhile, or another process has the partition for now.
        if (!isFault(error, 'CHECKPOINT_STALE')) this.#options.observer.failed(this.#at, error, attempt);
        await backoff(attempt++, signal);
      }
    }
  }

  /** Where several processes append to the log, it may be another one that was asked. */
  async #askedOr(asked: Promise<void>): Promise<void> {
    if (this.#options.log.writtenEnd === undefined) return asked;
    const over = new AbortController();
    await Promise.race([asked, sleep(lookEveryMs, undefined, { signal: over.signal })]);
    over.abort();
  }

  /** Resolves when nothing is left to replay, or it stands still. */
  async #replay(): Promise<void> {
    const { log, state, consumer, sinks, observer, checkReplayable } = this.#options;
    const of: ConsumerPartition = { logId: log.id, consumer, at: this.#at };
    await this.#refusals.begin();
    const progress = await ReplayProgress.open(state, of);
    if (!progress.range || progress.range.stopped !== undefined) return;
    const opened: OpenSink<Output>[] = [];
    try {
      checkReplayable?.();
      for (const sink of sinks) opened.push(await openSink(sink, this.#at));
      const letters = earlierLetters({ ...this.#options, at: this.#at, maxBytes: this.#options.limits.maxBytes });
      const duplicates = earlierDuplicates(state, of);
      await this.#replayAll({ progress, sinks: opened, cuts: await readCuts(state, of), letters, duplicates });
    } catch (error) {
      if (!cannotGoOn(error)) throw error;
      const { next: from, to } = progress.range;
      const reason = reasonOf(error);
      await progress.stop(reason);
      observer.noticed(this.#at, { kind: 'replay stopped', from, to, reason });
    } finally {
      for (const { partition } of opened) await partition.close();
    }
  }

  async #replayAll(inHand: InHand<Output>): Promise<void> {
    const { progress, cuts } = inHand;
    for (let { range } = progress; range && !this.#stopping.signal.aborted; { range } = progress) {
      const { next, to } = range;
      await this.#replayStretch(inHand, { next, to: Math.min(to, cuts.find((cut) => cut > next) ?? to) }, range);
    }
  }

  async #replayStretch(
    inHand: InHand<Output>,
    { next, to }: Pick<ReplayRange, 'next' | 'to'>,
    { to: end }: ReplayRange,
  ): Promise<void> {
    const { progress } = inHand;
    const { observer } = this.#options;
    const { batch, ids } = await this.#fill(inHand, next, to);
    const staged = await stageBatch(batch.sinks, { from: next, to, replaces: ids }, {});
    try {
      batch.reject(await this.#refusals.withRecords(staged.rejected));
      this.#refusals.haltOn(batch.invalid);
      await progress.confirm();
      await this.#refusals.write(batch.invalid);
      await staged.commit();
    } catch (error) {
      await staged.abort();
      throw error;
    }
    await progress.advance(to);
    observer.replayed(this.#at, { from: next, to, end, landed: batch.events, refused: batch.invalid.length });
  }

  async #fill(inHand: InHand<Output>, from: number, to: number) {
    const { log, convert } = this.#options;
    const sinks = inHand.sinks.map(({ name, batches: [batch] }) => ({ name, batch }));
    const batch = new BatchInHand<Output>(from, sinks, false);
    const ids: string[] = [];
    for await (const page of readRange(log, this.#at, { from, to })) {
      const window = { from: batch.to, to: page.next };
      const out = new Set([...(await inHand.letters.within(window)), ...(await inHand.duplicates.within(window))]);
      batch.add(page, await convert(page.records), out);
      ids.push(...page.records.map(correlationIdOf));
    }
    return { batch, ids };
  }
}

/** Nothing is made good by another try: somebody has to repair something, and ask again. */
function cannotGoOn(error: unknown): boolean {
  return isFault(error) && endings.has(error.code);
}

const endings = new Set<FaultCode>(['PIPELINE_HALTED', 'LOG_ROTTEN', 'OFFSET_OUT_OF_RANGE', 'REPLAY_IMPOSSIBLE']);

function correlationIdOf(record: LogRecord): string {
  return headerText(record, 'correlationId');
}
