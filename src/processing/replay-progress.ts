/**
 * How far a replay of one partition has come (D9), kept in the keyed state, so that it goes on after a crash. Every change
 * names the value that it expects: of two owners of the partition only one goes on.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../errors.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { compactionKey } from './compaction-key.ts';
import { type ConsumerPartition, stateKey } from './consumer-partition.ts';

/** Offsets `from <= offset < to` land again; those below `next` have. */
export interface ReplayRange {
  readonly from: number;
  readonly next: number;
  readonly to: number;
  /** Why it goes on only when it is asked for again. */
  readonly stopped?: string;
}

interface Stored extends ReplayRange {
  /** Makes each change one of its own, also where a later replay comes to the same offsets. */
  readonly change: string;
}

export class ReplayProgress {
  readonly #state: StateStore;
  readonly #of: ConsumerPartition;
  #raw: Buffer | undefined;
  #stored: Stored | undefined;

  private constructor(state: StateStore, of: ConsumerPartition) {
    this.#state = state;
    this.#of = of;
  }

  static async open(state: StateStore, of: ConsumerPartition): Promise<ReplayProgress> {
    const progress = new ReplayProgress(state, of);
    progress.#raw = await state.get(replayKey(of));
    if (progress.#raw) progress.#stored = JSON.parse(progress.#raw.toString()) as Stored;
    return progress;
  }

  /** Undefined where there is none, or it is done. */
  get range(): ReplayRange | undefined {
    return this.#stored;
  }

  /** In place of what was asked for before. @throws Fault COMPACTION_UNDER_WAY */
  async begin(from: number, to: number): Promise<void> {
    const { logId, consumer } = this.#of;
    const compaction = compactionKey(logId, consumer);
    if ((await this.#state.get(compaction)) !== undefined)
      throw new Fault('COMPACTION_UNDER_WAY', `the objects of ${consumer} are being merged, or that was interrupted`);
    await this.#replace({ from, next: from, to }, [compaction]);
  }

  /** Before anything of a stretch becomes visible. @throws Fault CHECKPOINT_STALE where another owner is at it */
  confirm(): Promise<void> {
    return this.#replace(this.#known());
  }

  advance(next: number): Promise<void> {
    const stored = this.#known();
    return this.#replace(next < stored.to ? { ...stored, next } : undefined);
  }

  stop(why: string): Promise<void> {
    return this.#replace({ ...this.#known(), stopped: why });
  }

  #known(): Stored {
    if (this.#stored) return this.#stored;
    throw new Error(`no replay is under way: ${replayKey(this.#of)}`);
  }

  async #replace(range: ReplayRange | undefined, absent: readonly string[] = []): Promise<void> {
    const key = replayKey(this.#of);
    const stored = range && { ...range, change: randomUUID() };
    const value = stored && Buffer.from(JSON.stringify(stored));
    const change = value ? { put: [{ key, value }] } : { delete: [key] };
    const expect = [{ key, value: this.#raw }, ...absent.map((one) => ({ key: one, value: undefined }))];
    if (!(await this.#state.commit({ expect, ...change })))
      throw new Fault('CHECKPOINT_STALE', `${key}: the replay was asked for again, or another process is at it`);
    this.#raw = value;
    this.#stored = stored;
  }
}

/** @param value of a `replayKey` */
export function isReplayUnderWay(value: Buffer | undefined): boolean {
  return value !== undefined && (JSON.parse(value.toString()) as Stored).stopped === undefined;
}

/** Where it is kept. */
export function replayKey(of: ConsumerPartition): string {
  return stateKey('replay', of);
}
