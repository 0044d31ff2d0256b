/**
 * A view of one partition in memory, over what its store has: the entries that have changed since the last commit, and those that were
 * used lately.
 *
 * - Entries and the position that they stand for change in one commit, which expects the position that it goes on from and the generation
 *   that answers: a stale owner, or one of an older generation, changes nothing (D3).
 * - Whoever fails to commit begins again from what the store has (`openViewState`).
 */
import { Fault } from '../errors.ts';
import type { LogRecord } from '../log/log.ts';
import type { Converted } from '../processing/void-packages.ts';
import type { StateChange, StateStore } from '../stores/state/state-store.ts';
import { allTime } from './buckets.ts';
import { type Counting, Counter } from './counting.ts';
import { EntryCache } from './entry-cache.ts';
import { NameFilter } from './name-filter.ts';
import { type AnyView, measuresOf, rowIn, type StoredRow, type WantedRows } from './rows.ts';
import { generationKey, newGeneration, PartitionKeys, positionIn, type ViewIdentity } from './view-keys.ts';

export interface Building {
  readonly generation: string;
  /** What must hold for as long as it is built. */
  readonly expect: NonNullable<StateChange['expect']>;
}

export interface ViewStateOptions {
  readonly store: StateStore;
  readonly of: ViewIdentity;
  readonly view: AnyView;
  readonly partition: number;
  /** Told of an event that the view's functions throw at: it is not counted. Must not throw. */
  readonly onSkipped: (offset: number, error: unknown) => void;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
  /** One that is being built. Default: the one that answers. */
  readonly building?: Building;
}

/** @throws Fault STATE_UNAVAILABLE */
export async function openViewState(options: ViewStateOptions): Promise<ViewState> {
  const { store, of, partition } = options;
  const answering = await answeringGeneration(store, of);
  const keys = new PartitionKeys(options.building?.generation ?? answering.toString(), partition);
  return new ViewState(options, keys, answering, await store.get(keys.position));
}

/** The first one is made where there is none. */
export async function answeringGeneration(store: StateStore, of: ViewIdentity): Promise<Buffer> {
  const key = generationKey(of);
  for (;;) {
    const answering = await store.get(key);
    if (answering) return answering;
    await store.commit({ expect: [{ key, value: undefined }], put: [{ key, value: Buffer.from(newGeneration()) }] });
  }
}

/** Entries: a server has so many committed well within the 2 s that it is given, and what LMDB may need for them is free on its disk. */
const builtAtOnce = 10_000;

export class ViewState {
  readonly #options: ViewStateOptions;
  readonly #keys: PartitionKeys;
  readonly #counter: Counter;
  readonly #cache: EntryCache;
  /** The entry that says which generation answers, as it was when this was opened. */
  readonly #answering: Buffer;
  #stored: Buffer | undefined;
  #next: number;
  /** The position that a commit under way puts. */
  #committing: Buffer | undefined;

  constructor(options: ViewStateOptions, keys: PartitionKeys, answering: Buffer, position: Buffer | undefined) {
    this.#options = options;
    this.#keys = keys;
    this.#counter = new Counter(options.view);
    this.#cache = new EntryCache(keys, measuresOf(options.view), {
      read: (names) => this.#fromStore(names),
      letGo: options.building && position === undefined ? new NameFilter() : undefined, // of a new generation there is nothing yet
    });
    this.#answering = answering;
    this.#stored = position;
    this.#next = positionIn(position) ?? 0;
    this.origin = `${answering.toString()} ${this.#next}`;
  }

  /** What this has begun from. */
  readonly origin: string;

  /** Everything below it is in what this answers. */
  get next(): number {
    return this.#next;
  }

  /** Everything below it is in the store. */
  get committed(): number {
    return positionIn(this.#stored) ?? 0;
  }

  /** Entries that a commit would put. */
  get dirtyEntries(): number {
    return this.#cache.dirtyEntries;
  }

  /** The records' outputs, in order, and where the log goes on. */
  async apply(records: readonly LogRecord[], outputs: readonly Converted<object>[], next: number): Promise<void> {
    if (!this.#committing) this.#cache.letGo();
    const countings: Counting[] = [];
    for (const [index, record] of records.entries()) {
      try {
        const counting = this.#counter.of(record, outputs[index] as Converted<object>);
        if (counting) countings.push(counting);
      } catch (error) {
        this.#options.onSkipped(record.offset, error);
      }
    }
    await this.#cache.load(countings);
    for (const counting of countings) this.#cache.count(counting);
    this.#next = next;
  }

  /** Past what the log does not have any more. */
  passOver(next: number): void {
    this.#next = next;
  }

  /**
   * One at a time. One that is being built is put in parts, as nobody reads it, or goes on from where it was left.
   * @throws Fault CHECKPOINT_STALE where another process has gone on, or another generation answers; STATE_UNAVAILABLE, STATE_FULL
   */
  async commit(): Promise<void> {
    this.#cache.letGo(); // where one commit follows another, no other moment is between two
    const { expect, put } = this.#take();
    const { newKeys } = this.#cache;
    const { of, store, partition, building } = this.#options;
    this.#committing = put.at(-1)?.value as Buffer;
    const atOnce = building ? builtAtOnce : put.length;
    for (let from = 0; from < put.length; from += atOnce)
      if (!(await store.commit({ expect, put: put.slice(from, from + atOnce) })))
        throw new Fault(
          'CHECKPOINT_STALE',
          `the view ${of.view} of partition ${partition} is kept by another process now`,
        );
    this.#stored = this.#committing;
    this.#committing = undefined;
    this.#cache.forgetNewKeys(newKeys);
  }

  /**
   * Rows by their bucket and key, undefined where nothing was counted.
   * @throws Fault CHECKPOINT_STALE where another generation answers by now
   */
  async read(wanted: WantedRows): Promise<readonly (StoredRow | undefined)[]> {
    return this.#rows(wanted.map(([bucket, key]) => this.#keys.row(bucket, key)));
  }

  async #rows(names: readonly string[]): Promise<readonly (StoredRow | undefined)[]> {
    const known = names.map((name) => this.#cache.row(name)); // first: it may be let go of meanwhile
    const missing = names.filter((_, index) => !known[index]);
    const stored = (missing.length === 0 ? [] : await this.#fromStore(missing)).values();
    return known.map((row) => {
      if (row) return row;
      const raw = stored.next().value;
      return raw && rowIn(raw);
    });
  }

  /** The rows of all time, of each key. */
  async totals(): Promise<readonly StoredRow[]> {
    const { newKeys } = this.#cache; // first: once they are committed they are new no more
    const names = new Set<string>();
    for await (const [name] of this.#options.store.entries(this.#keys.rows(allTime))) names.add(name);
    await this.look(); // afterwards: what does not answer any more is let go of
    for (const key of newKeys) names.add(this.#keys.row(allTime, key));
    // Read only now: what was in memory meanwhile, and is no more, the store has had in an older form.
    return (await this.#rows([...names])).filter((row) => row !== undefined);
  }

  /** @throws Fault CHECKPOINT_STALE where another generation answers, another process has gone on, or the store has gone back */
  async look(): Promise<void> {
    await this.#fromStore([]);
  }

  /** What the store has of entries that are not in memory, which are what they were at the position that this goes on from. */
  async #fromStore(names: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const { store, of } = this.#options;
    const asked = this.#positions();
    const [answering, position, ...values] = await store.getAll([generationKey(of), this.#keys.position, ...names]);
    if (!answering?.equals(this.#answering))
      throw new Fault('CHECKPOINT_STALE', `another generation of the view ${of.view} answers`);
    if (![...asked, ...this.#positions()].includes(positionIn(position)))
      throw new Fault('CHECKPOINT_STALE', `the view ${of.view} is at another position than this process has left it`);
    return values;
  }

  /** Where the store is, as far as this process knows: a commit under way may be done already. */
  #positions(): readonly (number | undefined)[] {
    const stored = positionIn(this.#stored);
    return this.#committing ? [stored, positionIn(this.#committing)] : [stored];
  }

  /** All that has changed, and the position; what changes from now on is for the next one. */
  #take(): Required<Pick<StateChange, 'expect' | 'put'>> {
    const { of, building, now = Date.now } = this.#options;
    const put = this.#cache.take(now());
    const expect = [
      ...(building?.expect ?? []),
      { key: generationKey(of), value: this.#answering },
      { key: this.#keys.position, value: this.#stored },
    ];
    return { expect, put: [...put, { key: this.#keys.position, value: Buffer.from(String(this.#next)) }] };
  }
}
