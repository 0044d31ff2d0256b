/**
 * A view of one partition in memory, over what its store has: the entries that have changed since the last commit, and those that were
 * used lately.
 *
 * - Entries and the position that they stand for change in one commit, which expects the position that it goes on from and the generation
 *   that answers: a stale owner, or one of an older generation, changes nothing (D3).
 * - Whoever fails to commit begins again from what the store has (`openViewState`).
 * - What is held is bounded (D6): entries that were committed are let go of when there are many.
 */
import { Fault } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { CountedFor } from '../pipeline/views.ts';
import { type Voided, voided } from '../processing/void-packages.ts';
import type { StateChange, StateStore } from '../stores/state/state-store.ts';
import { allTime, bucketsOf, minuteInHour, minuteOf } from './buckets.ts';
import { Joined } from './joined.ts';
import {
  addEvent,
  addPairs,
  type AnyMeasure,
  type AnyView,
  emptyValues,
  measuresOf,
  rowBytes,
  rowIn,
  type StoredRow,
  type Values,
  valuesOf,
} from './rows.ts';
import { generationKey, newGeneration, PartitionKeys, positionIn, type ViewIdentity } from './view-keys.ts';

/** Together some 20 MB. */
const maxKept = 50_000;
/** `YYYY-MM-DDTHH:MM:SS.ffffffZ` */
const timestampLength = 27;

interface Row extends StoredRow {
  readonly name: string;
  isDirty: boolean;
}

/** The rows of a key in all that a minute is in, its hour first, and what the hour has of the minute. */
interface Group {
  readonly rows: readonly Row[];
  readonly minute: Values;
}

/** An event, and what it is to a view. */
interface Counting {
  readonly timeMs: number;
  readonly counted: (CountedFor & { readonly minute: string }) | undefined;
  readonly pairings: readonly Pairing[];
}

interface Pairing {
  readonly measure: number;
  readonly name: string;
  readonly isSecond: boolean;
}

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

export class ViewState {
  readonly #options: ViewStateOptions;
  readonly #keys: PartitionKeys;
  readonly #measures: readonly AnyMeasure[];
  readonly #pairs: readonly number[];
  /** The entry that says which generation answers, as it was when this was opened. */
  readonly #answering: Buffer;
  #stored: Buffer | undefined;
  #next: number;
  readonly #rows = new Map<string, Row>();
  readonly #groups = new Map<string, Group>();
  readonly #joined = new Map<string, Joined>();
  #dirty: (Row | Joined)[] = [];
  /** Keys that the store does not know yet. */
  readonly #newKeys = new Set<string>();
  /** The position that a commit under way puts. */
  #committing: Buffer | undefined;

  constructor(options: ViewStateOptions, keys: PartitionKeys, answering: Buffer, position: Buffer | undefined) {
    this.#options = options;
    this.#keys = keys;
    this.#measures = measuresOf(options.view);
    this.#pairs = [...this.#measures.entries()].filter(([, { kind }]) => kind === 'pairs').map(([index]) => index);
    this.#answering = answering;
    this.#stored = position;
    this.#next = positionIn(position) ?? 0;
  }

  /** Everything below it is in what this answers. */
  get next(): number {
    return this.#next;
  }

  /** Everything below it is in the store. */
  get committed(): number {
    return positionIn(this.#stored) ?? 0;
  }

  get isNew(): boolean {
    return this.#stored === undefined;
  }

  /** Entries that a commit would put. */
  get dirtyEntries(): number {
    return this.#dirty.length;
  }

  /** The records' outputs, in order, and where the log goes on. */
  async apply(
    records: readonly LogRecord[],
    outputs: readonly (object | Reject | Voided)[],
    next: number,
  ): Promise<void> {
    if (!this.#committing) this.#letGo();
    const countings: Counting[] = [];
    for (const [index, record] of records.entries()) {
      const counting = this.#countingOf(record, outputs[index] as object | Reject | Voided);
      if (counting) countings.push(counting);
    }
    await this.#loadJoined(countings);
    await this.#loadGroups(countings);
    for (const counting of countings) this.#count(counting);
    this.#next = next;
  }

  /** Past what the log does not have any more. */
  passOver(next: number): void {
    this.#next = next;
  }

  /** One at a time. @throws Fault CHECKPOINT_STALE where another process has gone on, or another generation answers; STATE_UNAVAILABLE, STATE_FULL */
  async commit(): Promise<void> {
    const change = this.#take();
    const newKeys = [...this.#newKeys];
    const { of, store, partition } = this.#options;
    this.#committing = change.put?.at(-1)?.value as Buffer;
    if (!(await store.commit(change)))
      throw new Fault(
        'CHECKPOINT_STALE',
        `the view ${of.view} of partition ${partition} is kept by another process now`,
      );
    this.#stored = this.#committing;
    this.#committing = undefined;
    for (const key of newKeys) this.#newKeys.delete(key);
  }

  /**
   * The rows of these buckets and keys, undefined where nothing was counted.
   * @throws Fault CHECKPOINT_STALE where another generation answers by now
   */
  async read(wanted: readonly (readonly [bucket: string, key: string])[]): Promise<readonly (Values | undefined)[]> {
    const names = wanted.map(([bucket, key]) => this.#keys.row(bucket, key));
    const missing = [...new Set(names)].filter((name) => !this.#rows.has(name));
    const stored = missing.length === 0 ? [] : await this.#fromStore(missing);
    const found = new Map<string, StoredRow>(missing.flatMap((name, index) => rowAt(name, stored[index])));
    return names.map((name, index) =>
      valuesOf(this.#rows.get(name) ?? found.get(name), (wanted[index] as (typeof wanted)[number])[0]),
    );
  }

  /** Of which anything was counted. */
  async keys(): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const [, value] of this.#options.store.entries(this.#keys.rows(allTime))) keys.push(rowIn(value).key);
    await this.look(); // afterwards: what does not answer any more is let go of
    return [...new Set([...keys, ...this.#newKeys])];
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

  #countingOf(record: LogRecord, output: object | Reject | Voided): Counting | undefined {
    if (output === voided || output instanceof Reject) return undefined;
    const { view, onSkipped } = this.#options;
    try {
      const counted = view.counts(output);
      const pairings = this.#pairs.flatMap((measure) => this.#pairingOf(measure, output, counted !== undefined));
      if (counted === undefined && pairings.length === 0) return undefined;
      if (counted !== undefined && counted.time.length !== timestampLength)
        throw new Reject('', `expected a timestamp in UTC with microseconds, got ${JSON.stringify(counted.time)}`);
      return {
        timeMs: record.timeMs,
        counted: counted && { key: counted.key, time: counted.time, minute: minuteOf(counted.time) },
        pairings,
      };
    } catch (error) {
      onSkipped(record.offset, error);
      return undefined;
    }
  }

  #pairingOf(measure: number, output: object, isFirst: boolean): readonly Pairing[] {
    const one = this.#measures[measure] as AnyMeasure;
    if (one.kind !== 'pairs') return [];
    const isSecond = one.with(output);
    if (!isFirst && !isSecond) return [];
    return [{ measure, name: this.#keys.joined(measure, one.by(output)), isSecond }];
  }

  async #loadJoined(countings: readonly Counting[]): Promise<void> {
    const missing = new Map<string, number>();
    for (const { pairings } of countings)
      for (const { name, measure } of pairings) if (!this.#joined.has(name)) missing.set(name, measure);
    if (missing.size === 0) return;
    const values = await this.#fromStore([...missing.keys()]);
    let index = 0;
    for (const [name, measure] of missing) {
      const { keptForDays } = this.#measures[measure] as AnyMeasure & { readonly kind: 'pairs' };
      this.#joined.set(name, new Joined(name, keptForDays, values[index++]));
    }
  }

  /** Those of the events, and of the firsts that seconds among them find. */
  async #loadGroups(countings: readonly Counting[]): Promise<void> {
    const missing = new Map<string, readonly [minute: string, key: string]>();
    const need = (minute: string, key: string): void => {
      const id = groupId(minute, key);
      if (!this.#groups.has(id)) missing.set(id, [minute, key]);
    };
    for (const { counted, pairings } of countings) {
      if (counted) need(counted.minute, counted.key);
      for (const { name, isSecond } of pairings)
        if (isSecond) for (const { minute, key } of (this.#joined.get(name) as Joined).firsts) need(minute, key);
    }
    if (missing.size === 0) return;
    const groups = [...missing].map(([id, [minute, key]]) => ({ id, key, names: this.#namesOf(minute, key) }));
    const names = new Set(groups.flatMap((group) => group.names).filter((name) => !this.#rows.has(name)));
    const stored = await this.#fromStore([...names]);
    const raw = new Map([...names].map((name, index) => [name, stored[index]]));
    for (const { id, key, names: rowNames } of groups)
      this.#groups.set(id, this.#group(id.slice(0, minuteLength), key, rowNames, raw));
  }

  #group(minute: string, key: string, names: readonly string[], raw: RawRows): Group {
    const rows = names.map((name) => this.#row(name, key, raw));
    const { minutes } = rows[0] as Row;
    return { rows, minute: (minutes[minuteInHour(minute) as string] ??= emptyValues(this.#measures)) };
  }

  #namesOf(minute: string, key: string): readonly string[] {
    return bucketsOf(minute).map((bucket) => this.#keys.row(bucket, key));
  }

  #row(name: string, key: string, raw: RawRows): Row {
    const known = this.#rows.get(name);
    if (known) return known;
    const value = raw.get(name);
    const stored = value && rowIn(value);
    if (stored === undefined && name === this.#keys.row(allTime, key)) this.#newKeys.add(key);
    const { values, minutes } = stored ?? { values: emptyValues(this.#measures), minutes: {} };
    const row: Row = { name, key, values, minutes, isDirty: false };
    this.#rows.set(name, row);
    return row;
  }

  #count({ timeMs, counted, pairings }: Counting): void {
    const group = counted && (this.#groups.get(groupId(counted.minute, counted.key)) as Group);
    if (counted && group) {
      addEvent(group.minute, this.#measures, counted.time);
      for (const row of group.rows) addEvent(this.#changed(row).values, this.#measures, counted.time);
    }
    for (const { name, measure, isSecond } of pairings) {
      const joined = this.#joined.get(name) as Joined;
      if (!joined.isDirty) this.#dirty.push(joined);
      joined.touch(timeMs);
      if (isSecond) {
        for (const { minute, key, count } of joined.firsts) this.#addPairs(minute, key, measure, count);
        joined.addSecond();
      }
      if (counted && group) {
        if (joined.seconds > 0) this.#addPairs(counted.minute, counted.key, measure, joined.seconds);
        joined.addFirst(counted.minute, counted.key);
      }
    }
  }

  #addPairs(minute: string, key: string, measure: number, pairs: number): void {
    const group = this.#groups.get(groupId(minute, key)) as Group;
    addPairs(group.minute, measure, pairs);
    for (const row of group.rows) addPairs(this.#changed(row).values, measure, pairs);
  }

  #changed(row: Row): Row {
    if (!row.isDirty) {
      row.isDirty = true;
      this.#dirty.push(row);
    }
    return row;
  }

  /** All that has changed, and the position; what changes from now on is for the next one. */
  #take(): StateChange {
    const nowMs = Date.now();
    const { of, building } = this.#options;
    const put = this.#dirty.map((entry) => {
      entry.isDirty = false;
      return entry instanceof Joined ? entry.put(nowMs) : { key: entry.name, value: rowBytes(entry) };
    });
    this.#dirty = [];
    const expect = [
      ...(building?.expect ?? []),
      { key: generationKey(of), value: this.#answering },
      { key: this.#keys.position, value: this.#stored },
    ];
    return { expect, put: [...put, { key: this.#keys.position, value: Buffer.from(String(this.#next)) }] };
  }

  /** Not while anything that is let go of may not be in the store yet, or is about to be counted in. */
  #letGo(): void {
    if (this.#joined.size > maxKept)
      for (const [name, { isDirty }] of this.#joined) if (!isDirty) this.#joined.delete(name);
    if (this.#rows.size <= maxKept) return;
    this.#groups.clear();
    for (const [name, { isDirty }] of this.#rows) if (!isDirty) this.#rows.delete(name);
  }
}

const minuteLength = 16;

/** A minute has always the same length. */
function groupId(minute: string, key: string): string {
  return minute + key;
}

type RawRows = ReadonlyMap<string, Buffer | undefined>;

function rowAt(name: string, raw: Buffer | undefined): readonly (readonly [string, StoredRow])[] {
  return raw === undefined ? [] : [[name, rowIn(raw)]];
}
