/**
 * Answers from a view, over all partitions: from memory where this process keeps the partition, else from what the one that does has
 * committed. Whatever was in the log when it was asked is counted in the answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { Minute, ViewReader } from '../pipeline/views.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { allTime, type Span, spansBetween } from './buckets.ts';
import {
  type AnyMeasure,
  type AnyView,
  emptyValues,
  measuresOf,
  merge,
  namedRow,
  rowIn,
  type StoredRow,
  type Values,
  type WantedRows,
} from './rows.ts';
import { generationKey, PartitionKeys, positionIn, type ViewIdentity } from './view-keys.ts';
import type { ViewLoop } from './view-loop.ts';

/** Beyond that the view is behind, and says so. */
const patienceMs = 2_000;
/** What another process has counted is in the store so soon. */
const lookEveryMs = 25;
/** Others may add some. */
const partitionsKnownForMs = 500;

export interface ViewReaderOptions {
  readonly log: LogReader;
  readonly store: StateStore;
  readonly of: ViewIdentity;
  readonly topic: string;
  readonly view: AnyView;
  /** Undefined where another process keeps it. */
  readonly loopOf: (partition: number) => ViewLoop | undefined;
}

type Named = Readonly<Record<string, unknown>>;

/** What one partition has, from whoever keeps it. */
interface Part {
  /** The rows of all time, of each key. */
  totals(): Promise<readonly StoredRow[]>;
  read(wanted: WantedRows): Promise<readonly (StoredRow | undefined)[]>;
}

/** All years that names can have. */
const everything: Span = { row: allTime, from: '0001', to: '9999' };

export class LogViewReader implements ViewReader<Named> {
  readonly #options: ViewReaderOptions;
  readonly #measures: readonly AnyMeasure[];
  #partitions: Promise<readonly TopicPartition[]> | undefined;
  #partitionsKnownMs = 0;

  constructor(options: ViewReaderOptions) {
    this.#options = options;
    this.#measures = measuresOf(options.view);
  }

  async at(key: string): Promise<Named> {
    const values = emptyValues(this.#measures);
    for (const [row] of await this.#ofAll((part) => part.read([[allTime, key]])))
      for (const [, one] of row?.parts ?? []) merge(values, this.#measures, one);
    return namedRow(this.#options.view, values);
  }

  all(): Promise<ReadonlyMap<string, Named>> {
    return this.#sums([everything]);
  }

  between(lower: Minute, upper: Minute): Promise<ReadonlyMap<string, Named>> {
    return this.#sums(spansBetween(lower, upper));
  }

  async #sums(spans: readonly Span[]): Promise<ReadonlyMap<string, Named>> {
    const sums = new Map<string, Values>();
    const years = spans.find(({ row }) => row === allTime);
    const others = spans.filter((span) => span !== years);
    const add = ({ key, parts }: StoredRow, { from, to }: Span): void => {
      for (const [part, values] of parts) {
        if (part < from || part > to) continue;
        const sum = sums.get(key);
        if (sum) merge(sum, this.#measures, values);
        else sums.set(key, [...values]);
      }
    };
    const parts = await this.#ofAll(async (part) => {
      const totals = await part.totals();
      const rows = await part.read(totals.flatMap(({ key }) => others.map(({ row }) => [row, key] as const)));
      return { totals, rows };
    });
    for (const { totals, rows } of parts) {
      if (years) for (const row of totals) add(row, years);
      for (const [index, row] of rows.entries()) if (row) add(row, others[index % others.length] as Span);
    }
    const inOrder = [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return new Map(inOrder.map(([key, values]) => [key, namedRow(this.#options.view, values)]));
  }

  async #ofAll<T>(ask: (part: Part) => Promise<T>): Promise<readonly T[]> {
    const partitions = await this.#partitionsNow();
    const untilMs = performance.now() + patienceMs;
    return Promise.all(partitions.map((at) => this.#of(at, ask, untilMs)));
  }

  /** A topic may get more of them; on servers each look is a request. */
  #partitionsNow(): Promise<readonly TopicPartition[]> {
    const { log, topic } = this.#options;
    if (this.#partitions && performance.now() - this.#partitionsKnownMs < partitionsKnownForMs) return this.#partitions;
    this.#partitionsKnownMs = performance.now();
    const asked = partitionsOf(log, topic);
    asked.catch(() => (this.#partitions = undefined)); // whoever asked is told
    return (this.#partitions = asked);
  }

  async #of<T>(at: TopicPartition, ask: (part: Part) => Promise<T>, untilMs: number): Promise<T> {
    const { end } = await this.#options.log.range(at);
    for (;;) {
      const loop = this.#options.loopOf(at.partition);
      try {
        if (loop && !loop.hasCounted(end)) await loop.whenAt(end, AbortSignal.timeout(msUntil(untilMs)));
        return await ask(loop ?? (await this.#stored(at, end)));
      } catch (error) {
        if (performance.now() >= untilMs) throw this.#behind(at, end, error);
        if (!isPassing(error)) throw error;
      }
      if (!loop) await sleep(lookEveryMs);
    }
  }

  /** What was committed, of one generation, and up to there at least. */
  async #stored({ partition }: TopicPartition, end: number): Promise<Part> {
    const { store, of } = this.#options;
    const generation = await store.get(generationKey(of));
    if (!generation && end > 0) throw new Fault('CHECKPOINT_STALE', 'nobody has begun with it');
    const keys = new PartitionKeys(String(generation), partition);
    const read = async (names: readonly string[]): Promise<readonly (Buffer | undefined)[]> => {
      const [answering, position, ...values] = await store.getAll([generationKey(of), keys.position, ...names]);
      if (String(answering) !== String(generation) || (positionIn(position) ?? 0) < end)
        throw new Fault('CHECKPOINT_STALE', `it is at offset ${positionIn(position) ?? 0}`);
      return values;
    };
    return {
      totals: async () => {
        await read([]); // first: what is committed from then on need not be among them
        const found: StoredRow[] = [];
        for await (const [, value] of store.entries(keys.rows(allTime))) found.push(rowIn(value));
        await read([]); // afterwards: what does not answer any more is let go of
        return found;
      },
      read: async (wanted) => {
        const values = await read(wanted.map(([bucket, key]) => keys.row(bucket, key)));
        return values.map((value) => value && rowIn(value));
      },
    };
  }

  #behind({ topic, partition }: TopicPartition, end: number, error: unknown): unknown {
    if (isFault(error) && error.code !== 'CHECKPOINT_STALE') return error;
    const { pipeline, view } = this.#options.of;
    return new Fault(
      'VIEW_BEHIND',
      `the view ${pipeline}/${view} has not come to offset ${end} of ${topic} ${partition}`,
    );
  }
}

function msUntil(untilMs: number): number {
  return Math.max(1, Math.ceil(untilMs - performance.now()));
}

/** It is behind, or begins again: to be asked again. */
function isPassing(error: unknown): boolean {
  return isFault(error, 'CHECKPOINT_STALE') || (error instanceof Error && error.name === 'TimeoutError');
}
