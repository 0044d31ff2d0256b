/** How far consumers are behind the log, from what any process may read. */
import { isFault } from '../errors.ts';
import type { LogReader, OffsetRange, TopicPartition } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { partitionsOf } from '../log/partitions.ts';
import { readPages } from '../log/read-pages.ts';
import { readCheckpoint } from './checkpoint.ts';
import { compactionKey } from './compaction-key.ts';
import type { Consumer } from './consumer.ts';
import type { ConsumerPartition } from './consumer-partition.ts';
import { ReplayProgress } from './replay-progress.ts';
import { isOpening } from './opening.ts';
import { readViewPosition } from '../views/view-keys.ts';

export interface LagRow {
  readonly consumer: string;
  readonly topic: string;
  readonly partition: number;
  /** Everything below it has landed. */
  readonly committed: number;
  readonly end: number;
  /** Offsets that the log has: its records, and what lies between them (see log.ts). */
  readonly lag: number;
  /** Age of the oldest record that has not landed; 0 where there is none. */
  readonly behindMs: number;
  /** Records that are to land again (D9); 0 where no replay is under way, or it stands still. */
  readonly toReplay: number;
  /** Why a replay stands still until it is asked for again. */
  readonly replayStopped?: string;
  /** Its objects are being merged, or that was interrupted: no replay begins until it has ended. */
  readonly isCompacting: boolean;
  /** Its processor has not opened its sinks since the program started, and may still go back to where one of them is. */
  readonly isOpening: boolean;
}

/** Where consumers keep how far they have come. */
export interface Positions {
  readonly log: LogReader;
  readonly state: StateStore;
  readonly views: StateStore;
}

/** Everything below it has landed, or is in the view. */
export async function committedOf(
  { log, state, views }: Positions,
  { name, view }: Consumer,
  at: TopicPartition,
): Promise<number> {
  if (!view) return readCheckpoint(state, { logId: log.id, consumer: name, at });
  return readViewPosition(views, { logId: log.id, ...view }, at.partition);
}

/** @param unreadableMs the age of a record that cannot be read. Default: that is thrown */
export async function readLag(
  positions: Positions,
  consumers: readonly Consumer[],
  nowMs: number = Date.now(),
  unreadableMs?: number,
): Promise<readonly LagRow[]> {
  const { log, state } = positions;
  const rows: LagRow[] = [];
  for (const consumer of consumers) {
    const { name, topic } = consumer;
    const isCompacting = (await state.get(compactionKey(log.id, name))) !== undefined;
    for (const at of await partitionsOf(log, topic)) {
      const of = { logId: log.id, consumer: name, at };
      const opening = await isOpening(state, of); // first: it goes back before it has opened
      const committed = await committedOf(positions, consumer, at);
      const { start, end } = await log.range(at);
      const behindMs =
        committed < end ? await ageOf(log, at, { start: Math.max(committed, start), end }, nowMs, unreadableMs) : 0;
      const lag = end - Math.max(committed, start);
      const replay = await leftToReplay(state, of);
      const row = { consumer: name, ...at, committed, end, lag, behindMs };
      rows.push({ ...row, ...replay, isCompacting, isOpening: opening });
    }
  }
  return rows;
}

async function leftToReplay(
  state: StateStore,
  of: ConsumerPartition,
): Promise<Pick<LagRow, 'toReplay' | 'replayStopped'>> {
  const { range } = await ReplayProgress.open(state, of);
  if (range?.stopped !== undefined) return { toReplay: 0, replayStopped: range.stopped };
  return { toReplay: range ? range.to - range.next : 0 };
}

async function ageOf(log: LogReader, at: TopicPartition, range: OffsetRange, nowMs: number, unreadableMs?: number) {
  try {
    for await (const { records } of readPages(log, at, range, 1)) {
      const [record] = records;
      if (record) return Math.max(0, nowMs - record.timeMs);
    }
    return 0;
  } catch (error) {
    if (unreadableMs === undefined || !isFault(error)) throw error;
    return unreadableMs;
  }
}
