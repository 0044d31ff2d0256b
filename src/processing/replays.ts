/**
 * Replays of pipelines (D9), as they are asked for: from an offset or a time, up to what has landed by then. Asking again while one is
 * under way asks for both; one that has stopped is forgotten. The request is durable before it is answered, and is worked off by the processors (`partition-replayer.ts`).
 */
import { Fault, isFault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { Checkpoint } from './checkpoint.ts';
import type { ConsumerPartition } from './consumer-partition.ts';
import { readCuts } from './cuts.ts';
import { ReplayProgress, type ReplayRange } from './replay-progress.ts';

/** `start`, an offset in each of the partitions, or when the log took the events, Unix milliseconds. */
export type ReplayFrom = 'start' | { readonly offset: number } | { readonly timeMs: number };

export interface ReplayRequest {
  readonly pipeline: string;
  readonly from: ReplayFrom;
  /** Default: all. */
  readonly partition?: number | undefined;
  /** Only tells what would be done. */
  readonly dryRun: boolean;
}

export interface PlannedReplay extends TopicPartition {
  /** Batches land again whole: it may begin before what was asked for, or after, where the log has let go of a batch's beginning. */
  readonly from: number;
  readonly to: number;
  /** What was asked for. */
  readonly asked: number;
}

export interface ReplayUnderWay extends TopicPartition, ReplayRange {
  readonly pipeline: string;
}

export interface ReplaysOptions {
  readonly log: LogReader;
  readonly state: StateStore;
  /** Those that run here. */
  readonly pipelines: readonly Pipeline[];
  /** Tells the pipeline's processor. */
  readonly onAsked: (pipeline: string) => void;
}

export class Replays {
  readonly #options: ReplaysOptions;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** @throws Fault REQUEST_INVALID, REPLAY_IMPOSSIBLE, COMPACTION_UNDER_WAY */
  async ask({ pipeline: name, from, partition, dryRun }: ReplayRequest): Promise<readonly PlannedReplay[]> {
    const pipeline = this.#pipeline(name);
    checkReplayable(pipeline);
    const planned: PlannedReplay[] = [];
    for (const at of await this.#partitions(pipeline, partition)) planned.push(await this.#plan(pipeline, at, from));
    if (dryRun) return planned;
    for (const one of planned) if (one.from < one.to) await this.#begin(this.#of(pipeline, one), one);
    this.#options.onAsked(name);
    return planned;
  }

  /** Those that are not done yet. */
  async underWay(): Promise<readonly ReplayUnderWay[]> {
    const found: ReplayUnderWay[] = [];
    for (const pipeline of this.#options.pipelines) {
      for (const at of await this.#partitions(pipeline, undefined)) {
        const { range } = await ReplayProgress.open(this.#options.state, this.#of(pipeline, at));
        if (!range) continue;
        const { from, next, to, stopped } = range;
        found.push({ pipeline: pipeline.name, ...at, from, next, to, ...(stopped !== undefined && { stopped }) });
      }
    }
    return found;
  }

  #pipeline(name: string): Pipeline {
    const { pipelines } = this.#options;
    const found = pipelines.find((one) => one.name === name);
    if (found) return found;
    const names = pipelines.map((one) => one.name).join(', ');
    throw new Fault('REQUEST_INVALID', `no pipeline ${JSON.stringify(name)} runs here; those that do: ${names}`);
  }

  async #partitions({ topic }: Pipeline, wanted: number | undefined): Promise<readonly TopicPartition[]> {
    const all = await partitionsOf(this.#options.log, topic.name);
    if (wanted !== undefined && wanted >= all.length)
      throw new Fault('REQUEST_INVALID', `topic ${topic.name} has ${all.length} partitions, counted from 0`);
    return wanted === undefined ? all : all.slice(wanted, wanted + 1);
  }

  async #plan(pipeline: Pipeline, at: TopicPartition, from: ReplayFrom): Promise<PlannedReplay> {
    const { log, state } = this.#options;
    const { start } = await log.range(at);
    const of = this.#of(pipeline, at);
    const { next, landedTo = next } = await Checkpoint.open(state, of);
    const to = Math.max(next, landedTo);
    const asked = from === 'start' ? start : 'offset' in from ? from.offset : await log.offsetAtTime(at, from.timeMs);
    const cuts = (await readCuts(state, of)).filter((cut) => cut >= start && cut < to);
    const begin = cuts.findLast((cut) => cut <= asked) ?? cuts[0] ?? to;
    return { ...at, from: asked >= to ? to : begin, to, asked };
  }

  async #begin(of: ConsumerPartition, { from, to }: PlannedReplay): Promise<void> {
    for (;;) {
      const progress = await ReplayProgress.open(this.#options.state, of);
      try {
        const { range } = progress;
        const isUnderWay = range !== undefined && range.stopped === undefined;
        return await progress.begin(isUnderWay ? Math.min(from, range.next) : from, to);
      } catch (error) {
        if (!isFault(error, 'CHECKPOINT_STALE')) throw error; // it has just come a stretch further
      }
    }
  }

  #of({ name: consumer }: Pipeline, { topic, partition }: TopicPartition): ConsumerPartition {
    return { logId: this.#options.log.id, consumer, at: { topic, partition } };
  }
}

/** What has landed must be found again: rows by their correlation id, objects by their names. @throws Fault REPLAY_IMPOSSIBLE */
export function checkReplayable({ name, sinks }: Pipeline): void {
  const silent = sinks.find((sink) => sink.kind === 'table' && sink.correlationId === undefined);
  if (silent)
    throw new Fault(
      'REPLAY_IMPOSSIBLE',
      `the table ${silent.name} of ${name} does not say which column holds the correlation id: table({ correlationId: ... })`,
    );
  if (sinks.filter(({ kind }) => kind === 'objects').length > 1)
    throw new Fault(
      'REPLAY_IMPOSSIBLE',
      `${name} has several sinks of objects, and the names of objects do not tell which wrote them`,
    );
}
