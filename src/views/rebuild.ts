/**
 * Builds a view anew from the log, beside the one that answers, and has the new one answer in its place, in one commit (D9).
 *
 * - It runs in a process of its own. Whoever keeps the view goes on with the old generation until its next commit, or look, tells it that
 *   another one answers; then it goes on from where that one is.
 * - One at a time: who begins takes over, and what another one builds can be committed no more. What an interrupted one has left is
 *   deleted by the next.
 */
import { Fault, isFault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { ConvertOrVoid } from '../processing/void-packages.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { deleteDoomed, doom } from './doomed.ts';
import type { AnyView } from './rows.ts';
import { generationKey, newGeneration, rebuildingKey, type ViewIdentity } from './view-keys.ts';
import { answeringGeneration, type Building, openViewState, type ViewState } from './view-state.ts';

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
}

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

const pageBytes = 1024 * 1024;
/** Some 20 MB in memory; commits of that size take a fifth of a second in LMDB. */
const commitAtEntries = 50_000;
/** Whoever keeps the view reads so much again at once, while those who ask wait. */
const closeEnough = 5_000;

interface Part {
  readonly at: TopicPartition;
  readonly state: ViewState;
  /** Offsets that the log has let go of. */
  gone: number;
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
  const parts: Part[] = [];
  for (const [index, at] of partitions.entries()) {
    const state = await openPart(options, at, building);
    state.passOver(starts[index] as number);
    parts.push({ at, state, gone: starts[index] as number });
  }
  await build(options, parts);
  await answerWith(options, building);
  await deleteDoomed(store, of, building.generation);
  return { records: sumOf(parts, ({ state, gone }) => state.next - gone), gone: sumOf(parts, ({ gone }) => gone) };
}

/** From now on no other building can commit. */
async function begin(store: StateStore, of: ViewIdentity): Promise<Building> {
  const generation = newGeneration();
  const mark = { key: rebuildingKey(of), value: Buffer.from(generation) };
  await store.commit({ put: [mark, doom(of, generation)] });
  return { generation, expect: [mark] };
}

function openPart(options: RebuildOptions, at: TopicPartition, building: Building): Promise<ViewState> {
  const { store, of, view, onSkipped } = options;
  const { partition } = at;
  return openViewState({
    store,
    of,
    view,
    partition,
    building,
    onSkipped: (offset, error) => onSkipped(at, offset, error),
  });
}

/** Until it is as far as the log was a moment ago. */
async function build(options: RebuildOptions, parts: readonly Part[]): Promise<void> {
  const { log, onProgress, settled } = options;
  for (let left = Infinity; left > closeEnough;) {
    const ends = await Promise.all(parts.map(async ({ at }) => (await log.range(at)).end));
    await settled?.();
    left = sumOf(parts, ({ state }, index) => (ends[index] as number) - state.next);
    const tell = (): void =>
      onProgress({
        done: sumOf(parts, ({ state, gone }) => state.next - gone),
        total: sumOf(parts, ({ gone }, index) => (ends[index] as number) - gone),
      });
    for (const [index, part] of parts.entries()) await readTo(options, part, ends[index] as number, tell);
  }
  for (const { state } of parts) await state.commit();
}

async function readTo(options: RebuildOptions, part: Part, end: number, tell: () => void): Promise<void> {
  const { log, convert } = options;
  const { at, state } = part;
  while (state.next < end) {
    try {
      const page = await log.read(at, state.next, { maxBytes: pageBytes });
      await state.apply(page.records, await convert(page.records), page.next);
    } catch (error) {
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      await passOver(options, part, error);
    }
    if (state.dirtyEntries >= commitAtEntries) await state.commit();
    tell();
  }
}

/** What the log has let go of since this has begun. */
async function passOver({ log, topic, isPartial }: RebuildOptions, part: Part, outOfRange: Fault): Promise<void> {
  const { start } = await log.range(part.at);
  const gone = start - part.state.next;
  if (gone <= 0) throw outOfRange;
  if (!isPartial) throw partial(topic, gone);
  part.gone += gone;
  part.state.passOver(start);
}

function partial(topic: string, gone: number): Fault {
  return new Fault(
    'VIEW_PARTIAL',
    `the log has let go of ${gone} offsets of ${topic}, which the new view would be without`,
  );
}

function sumOf(parts: readonly Part[], of: (part: Part, index: number) => number): number {
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
