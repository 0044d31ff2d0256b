/**
 * How far a processor has come in one partition, kept in the keyed state (D3). Before a batch is made visible in any
 * sink, an intent is kept beside the checkpoint: which offsets, where the dead-letter topic ended then, and each sink's plan. After a
 * crash the same batch is done again; the dead letters written since tell which of its events are out.
 *
 * A sink's own checkpoint may be behind this one: its database is another, or was restored. Then the processor goes back
 * to it, and `landedTo` keeps how far the other sinks had come; an intent that was there waits until then.
 *
 * Every change names the value that it expects: an owner that was overtaken changes nothing.
 */
import { Fault } from '../errors.ts';
import type { TopicPartition } from '../log/log.ts';
import type { Plan } from '../sinks/sink.ts';
import type { StatePut, StateStore } from '../stores/state/state-store.ts';
import { type ConsumerPartition, stateKey } from './consumer-partition.ts';
import { cutPut } from './cuts.ts';

export interface Intent {
  readonly from: number;
  readonly to: number;
  /** The end of each partition of the dead-letter topic when the intent was made. */
  readonly deadLettersFrom: readonly number[];
  /** Offsets that are dropped, which no dead letter tells: a sink that has the batch already took it without them. */
  readonly dropped?: readonly number[];
  /** Offsets of events whose key was seen before. Default none. */
  readonly duplicates?: readonly number[];
  /** By the sink's name. */
  readonly plans: Readonly<Record<string, Plan>>;
}

interface Stored {
  readonly next: number;
  readonly intent?: Intent;
  /** Where the processor was, and with what in hand, when it went back. */
  readonly landed?: { readonly to: number; readonly intent?: Intent };
  /** Bytes of records since the last cut; none where no cut was ever kept: in a new log, or by versions that kept none. */
  readonly sinceCut?: number;
  /** How far a sink had come when this consumer began; only until it is there: it was forgotten before. */
  readonly sinkWasAt?: number;
}

/** How much a batch was, and how much there may be between two cuts. */
export interface BatchSize {
  readonly bytes: number;
  readonly maxBytes: number;
}

export class Checkpoint {
  readonly #state: StateStore;
  readonly #of: ConsumerPartition;
  readonly #key: string;
  #raw: Buffer | undefined;
  #stored: Stored = { next: 0 };

  private constructor(state: StateStore, of: ConsumerPartition) {
    this.#state = state;
    this.#of = of;
    this.#key = stateKey('checkpoint', of);
  }

  static async open(state: StateStore, of: ConsumerPartition): Promise<Checkpoint> {
    const checkpoint = new Checkpoint(state, of);
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

  /** True where this consumer has never kept anything. */
  get isNew(): boolean {
    return this.#raw === undefined;
  }

  /** What is below it lands again, in sinks that were behind; undefined where nothing does. */
  get landedTo(): number | undefined {
    return this.#stored.landed?.to;
  }

  /** No sink is past it: each moves only when the intent is kept. */
  get furthest(): number {
    const { next, intent, landed, sinkWasAt = 0 } = this.#stored;
    return Math.max(next, sinkWasAt, ...[intent, landed, landed?.intent].map((one) => one?.to ?? 0));
  }

  /** Of a consumer that is new. */
  beginWithSinkAt(next: number): void {
    this.#stored = { ...this.#stored, sinkWasAt: next };
  }

  /** Below it nothing lands any more but what `inHand` names. */
  get settledTo(): number {
    return Math.max(this.#stored.next, this.landedTo ?? 0);
  }

  /** What is planned of the batches that a crash has interrupted, and that are done again. */
  get inHand(): readonly string[] {
    const { intent, landed } = this.#stored;
    return [intent, landed?.intent].flatMap((one) => Object.values(one?.plans ?? {}).flat());
  }

  intend(intent: Intent): Promise<void> {
    return this.#replace({ ...this.#stored, intent });
  }

  /**
   * Batches end at `landedTo`, so that it is met exactly. What lands again is in batches of its own, which tell nothing of those before.
   * @param size given where what lands may be replayed
   * @param seen kept in the same change; default nothing
   */
  advance(next: number, size?: BatchSize, seen: readonly StatePut[] = []): Promise<void> {
    const { next: from, landed, sinceCut } = this.#stored;
    if (landed || !size) return this.#replace(this.#movedTo(next), seen);
    const { bytes, maxBytes } = size;
    const isCut = sinceCut === undefined || (sinceCut > 0 && sinceCut + bytes > maxBytes);
    const stored = { ...this.#movedTo(next), sinceCut: isCut ? bytes : sinceCut + bytes };
    return this.#replace(stored, isCut ? [...seen, cutPut(this.#of, from)] : seen);
  }

  /** To where a sink is that has not got what is between. Its try of a batch is forgotten, but for the dead letters. */
  goBack(next: number): Promise<void> {
    const { next: to, intent, landed = { to, ...(intent && { intent }) } } = this.#stored;
    return this.#replace({ next, landed, ...this.#keptAt(next) });
  }

  /** Past offsets that the log no longer has. What is left of an interrupted batch is still to be done again. */
  passOver(next: number): Promise<void> {
    const { intent } = this.#stored;
    const left = intent && intent.to > next && { intent: { ...intent, from: next } };
    const moved = { ...this.#movedTo(next), ...left };
    return this.#replace(moved, moved.landed ? [] : [cutPut(this.#of, next)]);
  }

  #movedTo(next: number): Stored {
    const { landed } = this.#stored;
    const kept = this.#keptAt(next);
    if (landed && next < landed.to) return { next, landed, ...kept };
    return { next, ...(landed?.intent && { intent: landed.intent }), ...kept };
  }

  #keptAt(next: number): Pick<Stored, 'sinceCut' | 'sinkWasAt'> {
    const { sinceCut, sinkWasAt } = this.#stored;
    const isBehind = sinkWasAt !== undefined && next < sinkWasAt;
    return { ...(sinceCut !== undefined && { sinceCut }), ...(isBehind && { sinkWasAt }) };
  }

  async #replace(stored: Stored, alsoPut: readonly StatePut[] = []): Promise<void> {
    const value = Buffer.from(JSON.stringify(stored));
    const expect = [{ key: this.#key, value: this.#raw }];
    if (!(await this.#state.commit({ expect, put: [{ key: this.#key, value }, ...alsoPut] }))) {
      throw new Fault('CHECKPOINT_STALE', `another process has moved the checkpoint ${this.#key} past ${this.next}`);
    }
    this.#raw = value;
    this.#stored = stored;
  }
}

/** The checkpoint as other processes may read it. */
export async function readCheckpoint(state: StateStore, of: ConsumerPartition): Promise<number> {
  return (await Checkpoint.open(state, of)).next;
}

export interface KnownCheckpoint extends TopicPartition {
  readonly consumer: string;
  readonly key: string;
  readonly next: number;
}

/** Of all consumers that have ever kept one for this log, whether they still run or not. */
export async function* knownCheckpoints(state: StateStore, logId: string): AsyncGenerator<KnownCheckpoint> {
  const prefix = `checkpoint/${logId}/`;
  for await (const [key, value] of state.entries(prefix)) {
    // A consumer's name may have slashes; a topic's has none.
    const [, consumer, topic, partition] = /^(.*)\/([^/]+)\/(\d+)$/s.exec(key.slice(prefix.length)) ?? [];
    if (consumer === undefined || topic === undefined) throw new Error(`${JSON.stringify(key)} is no checkpoint's key`);
    const { next } = JSON.parse(value.toString()) as Stored;
    yield { consumer, topic, partition: Number(partition), key, next };
  }
}
