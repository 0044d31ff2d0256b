/**
 * Entries of a view in memory: those that have changed since they were last put into the store, and those that were used lately. What
 * is held is bounded (D6): what is in the store is let go of when it is much.
 */
import type { StatePut } from '../stores/state/state-store.ts';
import { allTime, type Place, placesOf } from './buckets.ts';
import type { Counting } from './counting.ts';
import { Joined } from './joined.ts';
import { addEvent, addPairs, type AnyMeasure, partOf, rowBytes, rowIn, type StoredRow, type Values } from './rows.ts';
import type { PartitionKeys } from './view-keys.ts';

/** Parts of rows; values of `by` with their firsts. Of each so many, together some 20 MB. */
const maxKept = 50_000;

interface Row extends StoredRow {
  readonly name: string;
  isDirty: boolean;
}

/** Where a key is counted in a minute: parts of rows. */
type Group = readonly { readonly row: Row; readonly values: Values }[];

interface NamedPlace extends Place {
  /** Of the row's entry. */
  readonly name: string;
}

type RawRows = ReadonlyMap<string, Buffer | undefined>;

/** Entries of the store, undefined where there are none. */
export type FromStore = (names: readonly string[]) => Promise<readonly (Buffer | undefined)[]>;

export class EntryCache {
  readonly #keys: PartitionKeys;
  readonly #measures: readonly AnyMeasure[];
  readonly #fromStore: FromStore;
  readonly #rows = new Map<string, Row>();
  readonly #groups = new Map<string, Group>();
  readonly #joined = new Map<string, Joined>();
  #dirty: (Row | Joined)[] = [];
  #rowWeight = 0;
  #joinedWeight = 0;
  /** Keys that the store may not know yet. */
  readonly #newKeys = new Set<string>();

  constructor(keys: PartitionKeys, measures: readonly AnyMeasure[], fromStore: FromStore) {
    this.#keys = keys;
    this.#measures = measures;
    this.#fromStore = fromStore;
  }

  get dirtyEntries(): number {
    return this.#dirty.length;
  }

  get newKeys(): string[] {
    return [...this.#newKeys];
  }

  row(name: string): StoredRow | undefined {
    return this.#rows.get(name);
  }

  /** All that the events change is in memory when it resolves, for `count`. */
  async load(countings: readonly Counting[]): Promise<void> {
    await this.#loadJoined(countings);
    await this.#loadGroups(countings);
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
      const joined = new Joined(name, keptForDays, values[index++]);
      this.#joined.set(name, joined);
      this.#joinedWeight += weightOfJoined(joined);
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
    const raw = new Map<string, Buffer | undefined>();
    const groups: (readonly NamedPlace[])[] = [];
    for (const [minute, key] of missing.values()) {
      const places = placesOf(minute).map((place) => ({ ...place, name: this.#keys.row(place.row, key) }));
      groups.push(places);
      for (const { name } of places) if (!this.#rows.has(name)) raw.set(name, undefined);
    }
    const names = [...raw.keys()];
    const stored = await this.#fromStore(names);
    for (const [index, name] of names.entries()) raw.set(name, stored[index]);
    let index = 0;
    for (const [id, [, key]] of missing)
      this.#groups.set(id, this.#group(key, groups[index++] as readonly NamedPlace[], raw));
  }

  #group(key: string, places: readonly NamedPlace[], raw: RawRows): Group {
    return places.map(({ name, part }) => {
      const row = this.#row(name, key, raw);
      const before = row.parts.length;
      const values = partOf(row, part, this.#measures);
      this.#rowWeight += row.parts.length - before;
      return { row, values };
    });
  }

  #row(name: string, key: string, raw: RawRows): Row {
    const known = this.#rows.get(name);
    if (known) return known;
    const value = raw.get(name);
    const stored = value && rowIn(value);
    if (stored === undefined && name === this.#keys.row(allTime, key)) this.#newKeys.add(key);
    const row: Row = { name, key, parts: stored?.parts ?? [], isDirty: false };
    this.#rows.set(name, row);
    this.#rowWeight += weightOfRow(row);
    return row;
  }

  count({ timeMs, counted, pairings }: Counting): void {
    const group = counted && (this.#groups.get(groupId(counted.minute, counted.key)) as Group);
    if (counted && group)
      for (const { row, values } of group) {
        addEvent(values, this.#measures, counted.time);
        this.#changed(row);
      }
    for (const { name, measure, isSecond } of pairings) {
      const joined = this.#joined.get(name) as Joined;
      if (!joined.isDirty) this.#dirty.push(joined);
      this.#joinedWeight -= weightOfJoined(joined);
      joined.touch(timeMs);
      if (isSecond) {
        for (const { minute, key, count } of joined.firsts) this.#addPairs(minute, key, measure, count);
        joined.addSecond();
      }
      if (counted && group) {
        if (joined.seconds > 0) this.#addPairs(counted.minute, counted.key, measure, joined.seconds);
        joined.addFirst(counted.minute, counted.key);
      }
      this.#joinedWeight += weightOfJoined(joined);
    }
  }

  #addPairs(minute: string, key: string, measure: number, pairs: number): void {
    for (const { row, values } of this.#groups.get(groupId(minute, key)) as Group) {
      addPairs(values, measure, pairs);
      this.#changed(row);
    }
  }

  #changed(row: Row): void {
    if (row.isDirty) return;
    row.isDirty = true;
    this.#dirty.push(row);
  }

  /** All that has changed since it was last taken. */
  take(nowMs: number): readonly StatePut[] {
    const put = this.#dirty.map((entry) => {
      entry.isDirty = false;
      return entry instanceof Joined ? entry.put(nowMs) : { key: entry.name, value: rowBytes(entry) };
    });
    this.#dirty = [];
    return put;
  }

  /** The store has rows of these keys. */
  forgetNewKeys(keys: readonly string[]): void {
    for (const key of keys) this.#newKeys.delete(key);
  }

  /** Not while anything that is let go of may not be in the store yet, or is about to be counted in. */
  letGo(): void {
    if (this.#joinedWeight > maxKept) this.#joinedWeight -= deleteClean(this.#joined, weightOfJoined);
    if (this.#rowWeight <= maxKept) return;
    this.#groups.clear();
    this.#rowWeight -= deleteClean(this.#rows, weightOfRow);
  }
}

function weightOfRow({ parts }: StoredRow): number {
  return 1 + parts.length;
}

function weightOfJoined({ firsts }: Joined): number {
  return 1 + firsts.length;
}

/** What it weighed. */
function deleteClean<E extends { readonly isDirty: boolean }>(entries: Map<string, E>, weight: (entry: E) => number) {
  let deleted = 0;
  for (const [name, entry] of entries) {
    if (entry.isDirty) continue;
    entries.delete(name);
    deleted += weight(entry);
  }
  return deleted;
}

/** A minute has always the same length. */
function groupId(minute: string, key: string): string {
  return minute + key;
}
