/**
 * That a pipeline's objects are being merged (`sinks/objects/compaction`), kept in the keyed state. A replay (D9) changes the same objects:
 * neither begins while the other is under way, since each begins with a change of the state that expects that. Whoever was killed leaves
 * its merge here: the next compaction ends it, and until then no replay begins.
 *
 * Every change names the value that it expects: of two compactions the one that came later goes on, and the other changes nothing more.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { compactionKey } from './compaction-key.ts';
import { isReplayUnderWay, replayKey } from './replay-progress.ts';

/** Objects under a prefix, by their names. */
export interface Merge {
  readonly prefix: string;
  readonly parts: readonly string[];
  readonly into: string;
  /** Of `into`. Until it is known here, nothing has been put. */
  readonly bytes?: number;
}

interface Stored {
  readonly merge?: Merge;
  /** Makes each change one of its own. */
  readonly change: string;
}

export interface Held {
  readonly logId: string;
  readonly consumer: string;
  /** All of its topic. */
  readonly partitions: readonly TopicPartition[];
}

export class CompactionHold {
  readonly #state: StateStore;
  readonly #key: string;
  #raw: Buffer;
  #merge: Merge | undefined;

  private constructor(state: StateStore, key: string, raw: Buffer, merge: Merge | undefined) {
    this.#state = state;
    this.#key = key;
    this.#raw = raw;
    this.#merge = merge;
  }

  /** Also from one who was killed. @throws Fault REPLAY_UNDER_WAY, COMPACTION_UNDER_WAY */
  static async take(state: StateStore, { logId, consumer, partitions }: Held): Promise<CompactionHold> {
    const key = compactionKey(logId, consumer);
    const replays = partitions.map((at) => replayKey({ logId, consumer, at }));
    const values = await state.getAll([key, ...replays]);
    if (values.slice(1).some(isReplayUnderWay))
      throw new Fault('REPLAY_UNDER_WAY', `a replay of ${consumer} is under way, which changes the same objects`);
    const [before] = values;
    const merge = before && (JSON.parse(before.toString()) as Stored).merge;
    const raw = stored(merge);
    const expect = [key, ...replays].map((each, i) => ({ key: each, value: values[i] }));
    if (!(await state.commit({ expect, put: [{ key, value: raw }] })))
      throw new Fault('COMPACTION_UNDER_WAY', `another compaction or a replay of ${consumer} began at the same moment`);
    return new CompactionHold(state, key, raw, merge);
  }

  /** What is in hand. */
  get merge(): Merge | undefined {
    return this.#merge;
  }

  /** It lets go behind the work, unless that fails with something in hand. @throws Fault COMPACTION_UNDER_WAY, and what the work throws */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = await work();
      await this.#replace({ delete: [this.#key] });
      return done;
    } catch (error) {
      // What made it fail is what is told; where this fails too, it is as where the process was killed.
      if (this.#merge?.bytes === undefined) await this.#replace({ delete: [this.#key] }).catch(() => undefined);
      throw error;
    }
  }

  /** In place of the one before, which is done. @throws Fault COMPACTION_UNDER_WAY */
  async intend(merge: Merge): Promise<void> {
    const raw = stored(merge);
    await this.#replace({ put: [{ key: this.#key, value: raw }] });
    this.#raw = raw;
    this.#merge = merge;
  }

  /** Nothing is left to do of what is in hand; the state hears of it with the next change. */
  done(): void {
    this.#merge = undefined;
  }

  async #replace(change: Pick<Parameters<StateStore['commit']>[0], 'put' | 'delete'>): Promise<void> {
    if (await this.#state.commit({ expect: [{ key: this.#key, value: this.#raw }], ...change })) return;
    throw new Fault(
      'COMPACTION_UNDER_WAY',
      `${this.#key}: another compaction has begun since, and goes on with this one`,
    );
  }
}

function stored(merge: Merge | undefined): Buffer {
  return Buffer.from(JSON.stringify({ ...(merge && { merge }), change: randomUUID() } satisfies Stored));
}
