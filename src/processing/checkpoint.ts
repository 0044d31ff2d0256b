/**
 * How far a processor has come in one partition, kept in the keyed state (D3). Before a batch is made visible in any
 * sink, an intent is kept beside the checkpoint: which offsets, where the dead-letter topic ended then, and each sink's plan. After a
 * crash the same batch is done again; the dead letters written since tell which of its events are out.
 *
 * Every change names the value that it expects: an owner that was overtaken changes nothing.
 */
import { Fault } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { Plan } from '../sinks/sink.ts';
import type { StateStore } from '../stores/state/state-store.ts';

export interface Intent {
  readonly from: number;
  readonly to: number;
  /** The end of each partition of the dead-letter topic when the intent was made. */
  readonly deadLettersFrom: readonly number[];
  /** Offsets that are dropped, which no dead letter tells: a sink that has the batch already took it without them. */
  readonly dropped?: readonly number[];
  /** By the sink's name. */
  readonly plans: Readonly<Record<string, Plan>>;
}

interface Stored {
  readonly next: number;
  readonly intent?: Intent;
}

export class Checkpoint {
  readonly #state: StateStore;
  readonly #key: string;
  #raw: Buffer | undefined;
  #stored: Stored = { next: 0 };

  private constructor(state: StateStore, key: string) {
    this.#state = state;
    this.#key = key;
  }

  static async open(state: StateStore, logId: string, consumer: string, at: TopicPartition): Promise<Checkpoint> {
    const checkpoint = new Checkpoint(state, checkpointKey(logId, consumer, at));
    checkpoint.#raw = await state.get(checkpoint.#key);
    if (checkpoint.#raw) checkpoint.#stored = JSON.parse(checkpoint.#raw.toString()) as Stored;
    return checkpoint;
  }

  /** Everything below it has landed. */
  get next(): number {
    return this.#stored.next;
  }

  get intent(): Intent | undefined {
    return this.#stored.intent;
  }

  intend(intent: Intent): Promise<void> {
    return this.#replace({ next: this.next, intent });
  }

  advance(next: number): Promise<void> {
    return this.#replace({ next });
  }

  async #replace(stored: Stored): Promise<void> {
    const value = Buffer.from(JSON.stringify(stored));
    const expect = [{ key: this.#key, value: this.#raw }];
    if (!(await this.#state.commit({ expect, put: [{ key: this.#key, value }] }))) {
      throw new Fault('CHECKPOINT_STALE', `another process has moved the checkpoint ${this.#key} past ${this.next}`);
    }
    this.#raw = value;
    this.#stored = stored;
  }
}

/** The checkpoint as other processes may read it. */
export async function readCheckpoint(
  state: StateStore,
  logId: string,
  consumer: string,
  at: TopicPartition,
): Promise<number> {
  return (await Checkpoint.open(state, logId, consumer, at)).next;
}

function checkpointKey(logId: string, consumer: string, at: TopicPartition): string {
  return `checkpoint/${logId}/${consumer}/${at.topic}/${at.partition}`;
}
