/** A run of a pull that several nodes share, by one of them at a time. */
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { StateStore } from '../../stores/state/state-store.ts';
import { PullHold } from './pull-hold.ts';
import { pullRun, type PullRunOptions } from './pull-run.ts';
import type { Run } from './run.ts';
import { SharedRun } from './shared-run.ts';

export interface PullTogetherOptions extends PullRunOptions {
  readonly objects: ObjectStore;
  /** All nodes have it. */
  readonly state: StateStore;
  /** The time of the schedule, Unix milliseconds: pulled at once by one node. Default: by hand. */
  readonly dueMs?: number | undefined;
}

/** @returns the run, done @throws Fault PULL_UNDER_WAY, PULL_OVERTAKEN; and as `pullRun` does */
export async function pullTogether(options: PullTogetherOptions): Promise<Run> {
  const { pull, store, state, dueMs, signal, now = Date.now } = options;
  const hold = await PullHold.take(state, pull.name, { ownRun: store.unfinished()?.id, dueMs, now });
  try {
    const shared = new SharedRun({ ...options, hold });
    await shared.prepare(new Date(now()).toISOString());
    return await pullRun({ ...options, shared, signal: AbortSignal.any([signal, hold.overtaken]) });
  } finally {
    await hold.release();
  }
}
