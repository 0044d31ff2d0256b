/**
 * Builds a view anew from the log, beside the one that answers, and has the new one answer in its place, in one commit (D9).
 *
 * - It runs in a process of its own. Whoever keeps the view goes on with the old generation until its next commit, or look, tells it that
 *   another one answers; then it goes on from where that one is.
 * - One at a time: who begins takes over, and what another one builds can be committed no more. What an interrupted one has left is
 *   deleted by the next.
 */
import { Fault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { ConvertOrVoid } from '../processing/void-packages.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { openPart, type Part, type PartAsked, partial, type PartProgress } from './build-part.ts';
import { deleteDoomed, doom } from './doomed.ts';
import type { AnyView } from './rows.ts';
import { generationKey, newGeneration, rebuildingKey, type ViewIdentity } from './view-keys.ts';
import { answeringGeneration, type Building } from './view-state.ts';

export interface RebuildOptions {
  readonly log: LogReader;
  readonly store: StateStore;
  readonly of: ViewIdentity;
  readonly topic: string;
  readonly view: AnyView;
  readonly convert: ConvertOrVoid<object>;
  /** Rather without what the log has let go of than not at all. */
  readonly isPartial: boolean;
  /** Told of records, as offsets count them. Must not throw. */
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly onSkipped: (at: TopicPartition, offset: number, error: unknown) => void;
  /** Called when it is known how far is to be read; resolves when `convert` is right for all of that. Default: it always is. */
  readonly settled?: (() => Promise<void>) | undefined;
  /** Default: all parts are built in this process. */
  readonly openPart?: OpenPart | undefined;
}

/** Of a generation that is being built. */
export type OpenPart = (asked: PartAsked) => Promise<Part>;

export interface RebuildProgress {
  readonly done: number;
  readonly total: number;
}

export interface Rebuilt {
  /** Offsets that were read. */
  readonly records: number;
  /** Offsets that the log does not have any more. */
  readonly gone: number;
}

/** Whoever keeps the view reads so much again at once, while those who ask wait. */
const closeEnough = 5_000;

interface PartWithProgress {
  readonly part: Part;
  readonly at: TopicPartition;
  progress: PartProgress;
}

/** @throws Fault VIEW_PARTIAL, CHECKPOINT_STALE where another one has taken over, STATE_UNAVAILABLE, STATE_FULL */
export async function rebuildView(options: RebuildOptions): Promise<Rebuilt> {
  const { log, store, of, topic, isPartial } = options;
  const partitions = await partitionsOf(log, topic);
  const starts = await Promise.all(partitions.map(async (at) => (await log.range(at)).start));
  const begins = starts.reduce((sum, start) => sum + start, 0);
  if (begins > 0 && !isPartial) throw partial(topic, begins);
  const building = await begin(store, of);
  await deleteDoomed(store, of, building.generation);
  const parts: PartWithProgress[] = [];
  for (const [index, at] of partitions.entries()) {
    const start = starts[index] as number;
    const part = await (options.openPart ?? openHere(options))({ at, start, building, isPartial });
    parts.push({ part, at, progress: { next: start, gone: start } });
  }
  await build(options, parts);
  await answerWith(options, building);
  await deleteDoomed(store, of, building.generation);
  return { records: readIn(parts), gone: sumOf(parts, ({ progress }) => progress.gone) };
}

/** From now on no other building can commit. */
async function begin(store: StateStore, of: ViewIdentity): Promise<Building> {
  const generation = newGeneration();
  const mark = { key: rebuildingKey(of), value: Buffer.from(generation) };
  await store.commit({ put: [mark, doom(of, generation)] });
  return { generation, expect: [mark] };
}

/** One after the other, in this process. */
function openHere(options: RebuildOptions): OpenPart {
  return (asked) => openPart(options, asked);
}

/** Until it is as far as the log was a moment ago. */
async function build(options: RebuildOptions, parts: readonly PartWithProgress[]): Promise<void> {
  const { log, onProgress, settled } = options;
  for (let left = Infinity; left > closeEnough;) {
    const ends = await Promise.all(parts.map(async ({ at }) => (await log.range(at)).end));
    await settled?.();
    left = sumOf(parts, ({ progress }, index) => (ends[index] as number) - progress.next);
    const total = sumOf(parts, ({ progress }, index) => (ends[index] as number) - progress.gone);
    await allOrNone(parts, (one, index, signal) => {
      const told = (progress: PartProgress): void => {
        one.progress = progress;
        onProgress({ done: readIn(parts), total });
      };
      return one.part.readTo(ends[index] as number, told, signal);
    });
  }
  await allOrNone(parts, ({ part }) => part.commit());
}

/** Side by side; where one fails, the others are told to stop, and have stopped when this rejects with what the first one threw. */
async function allOrNone(
  parts: readonly PartWithProgress[],
  work: (part: PartWithProgress, index: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stopping = new AbortController();
  await Promise.allSettled(
    parts.map((part, index) => work(part, index, stopping.signal).catch((error: unknown) => stopping.abort(error))),
  );
  stopping.signal.throwIfAborted();
}

function readIn(parts: readonly PartWithProgress[]): number {
  return sumOf(parts, ({ progress: { next, gone } }) => next - gone);
}

function sumOf(parts: readonly PartWithProgress[], of: (part: PartWithProgress, index: number) => number): number {
  return parts.reduce((sum, part, index) => sum + of(part, index), 0);
}

async function answerWith({ store, of }: RebuildOptions, { generation, expect }: Building): Promise<void> {
  const answering = await answeringGeneration(store, of);
  const answers = { key: generationKey(of), value: Buffer.from(generation) };
  const change = {
    expect: [...expect, { key: generationKey(of), value: answering }],
    put: [answers, doom(of, answering.toString())],
    delete: [doom(of, generation).key],
  };
  if (await store.commit(change)) return;
  throw new Fault('CHECKPOINT_STALE', `another rebuild of ${of.pipeline}/${of.view} has begun meanwhile`);
}
