/**
 * Where events land, exactly once (D3).
 *
 * The protocol, one partition at a time, driven by the processor:
 *
 *   open -> batch -> { add* -> stage -> (plan kept durably by the processor) -> commit | abort -> clear }*  -> close
 *
 * - `add` renders an event, in memory; a sink that refuses it for what it is throws, and `removeLast` takes it out of the
 *   sinks that have it already: an event lands in all sinks, or in none.
 * - `stage` prepares a batch and makes nothing visible. Events that only then turn out to be refused are `rejected`:
 *   nothing is staged then, and the batch has to be staged again without them.
 * - `commit` makes the staged batch visible. After a crash at any instant the same batch (same offsets, same events)
 *   is staged again, with the plan that was kept, unless `next` is past it; staging and committing it again must leave what once leaves.
 * - A stale owner (a second node that believes it still owns the partition) fails with CHECKPOINT_STALE and changes nothing.
 * - Anything but a Fault CHECKPOINT_STALE is taken for a passing failure: the processor aborts, waits and stages again.
 */
import type { TopicPartition } from '../log/log.ts';

export interface Sink<E> {
  readonly name: string;
  open(at: TopicPartition): Promise<SinkPartition<E>>;
}

export interface SinkPartition<E> {
  /** Offsets below it have landed for certain; 0 where the sink keeps no checkpoint of its own. */
  readonly next: number;
  /** An empty batch, to be filled, landed and cleared again and again: its memory is its own and is used again. */
  batch(): SinkBatch<E>;
  /**
   * Only where `next` is a checkpoint of the sink's own. Asked when that is behind the processor's, because the sink stands on another
   * database or on one that was restored: events from `next` on are about to land again. Offsets that the log no longer has
   * come as a batch without events.
   * @throws Fault CHECKPOINT_LOST where the sink may have those events all the same
   */
  landAgain?(): Promise<void>;
  close(): Promise<void>;
}

export interface SinkBatch<E> {
  /** The event is rendered at once and not kept. @throws Reject for what it is: nothing of it is in the batch then */
  add(offset: number, event: E): void;
  /** Takes out the event that was added last. */
  removeLast(): void;
  stage(range: SinkRange, earlierPlan: Plan | undefined): Promise<Staged>;
  /** Once what was staged of it is committed or aborted. */
  clear(): void;
}

/** Offsets `from <= offset < to`; those that were filtered or dead-lettered were not added. */
export interface SinkRange {
  readonly from: number;
  readonly to: number;
  /** Offsets that were added and are left out after all. */
  readonly without: ReadonlySet<number>;
  /**
   * Given where all of the range has landed before and lands again (D9): the correlation ids of its records. The commit takes away what
   * the sink has of them. The range begins and ends where batches did; checkpoints stay where they are.
   */
  readonly replaces?: readonly string[];
}

/** What a redo must know of an earlier try, as JSON; for objects their keys. */
export type Plan = readonly string[];

export interface Staged {
  /** Where there are any, the batch is not staged: abort it, and stage it again without them. */
  readonly rejected: readonly RejectedEvent[];
  readonly plan: Plan;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Of a batch that a sink has already: nothing is left to do. */
export const nothingStaged: Staged = {
  rejected: [],
  plan: [],
  commit: () => Promise.resolve(),
  abort: () => Promise.resolve(),
};

export interface RejectedEvent {
  readonly offset: number;
  readonly path: string;
  readonly message: string;
}
