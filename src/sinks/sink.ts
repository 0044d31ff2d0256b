/**
 * Where events land, exactly once (D3).
 *
 * The protocol, one partition at a time, driven by the processor:
 *
 *   open -> { stage -> (plan kept durably by the processor) -> commit | abort }*  -> close
 *
 * - `stage` prepares a batch and makes nothing visible. It may refuse single events for what they are (`rejected`) and
 *   leaves them out; a sink that has staged the same batch with them has to abort and stage it again without them.
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
  /**
   * Only where `next` is a checkpoint of the sink's own. Asked when that is behind the processor's, because the sink stands on another
   * database or on one that was restored: events from `next` on are about to land again. Offsets that the log no longer has
   * come as a batch without events.
   * @throws Fault CHECKPOINT_LOST where the sink may have those events all the same
   */
  landAgain?(): Promise<void>;
  stage(batch: SinkBatch<E>, earlierPlan: Plan | undefined): Promise<Staged>;
  close(): Promise<void>;
}

/** Offsets `from <= offset < to`; those that were filtered or dead-lettered are missing from `events`. */
export interface SinkBatch<E> {
  readonly from: number;
  readonly to: number;
  readonly events: readonly SinkEvent<E>[];
}

export interface SinkEvent<E> {
  readonly offset: number;
  readonly event: E;
}

/** What a redo must know of an earlier try, as JSON; for objects their keys. */
export type Plan = readonly string[];

export interface Staged {
  readonly rejected: readonly RejectedEvent[];
  readonly plan: Plan;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface RejectedEvent {
  readonly offset: number;
  readonly path: string;
  readonly message: string;
}
