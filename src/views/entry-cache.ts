/**
 * Entries of a view in memory: those that have changed since they were last put into the store, and those that were used lately. What
 * is held is bounded (D6): what is in the store is let go of when it is much.
 */
import type { StatePut } from '../stores/state/state-store.ts';
import { allTime, type Place, placesOf } from './buckets.ts';
import type { Counting, Pairing } from './counting.ts';
import { Joined } from './joined.ts';
import type { NameFilter } from './name-filter.ts';
import {
  addEvent,
  addPairs,
  type AnyMeasure,
  type Group,
  partOf,
  type Row,
  rowBytes,
  rowIn,
  type StoredRow,
} from './rows.ts';
import type { PartitionKeys } from './view-keys.ts';

/** Parts of rows: some 10 MB. */
const maxKeptParts = 50_000;
/** Values of `by` with their firsts: some 10 MB. One that is not there costs a read of the store. */
const maxKeptJoined = 20_000;

interface NamedPlace extends Place {
  /** Of the row's entry. */
  readonly name: string;
}

/** What is remembered for a measure of pairs; nothing for another one. */
interface JoinedOfMeasure {
  /** Of the names of its entries. */
  readonly prefix: string;
  readonly bySegment: Map<string, Joined>;
  dirty: Joined[];
}

type RawRows = ReadonlyMap<string, Buffer | undefined>;

/** Where the entries are that are not in memory. */
export interface EntryStore {
  /** Undefined where there are none. */
  readonly read: (names: readonly string[]) => Promise<readonly (Buffer | undefined)[]>;
  /** Rows by their names, values of `by` by their segments: nothing else is there; default: anything may be. */
  readonly letGo: NameFilter | undefined;
}

export class EntryCache {
  readonly #keys: PartitionKeys;
  readonly #measures: readonly AnyMeasure[];
  readonly #store: EntryStore;
  readonly #rows = new Map<string, Row>();
  /** By minute, then by key. */
  readonly #groups = new Map<string, Map<string, Group>>();
  readonly #joined: readonly JoinedOfMeasure[];
  #dirtyRows: Row[] = [];
  #dirtyJoined = 0;
  #rowWeight = 0;
  #joinedWeight = 0;
  /** Keys that the store may not know yet. */
  readonly #newKeys = new Set<string>();

  constructor(keys: PartitionKeys, measures: readonly AnyMeasure[], store: EntryStore) {
    this.#keys = keys;
    this.#measures = measures;
    this.#store = store;
    this.#joined = measures.map((_, measure) => ({ prefix: keys.joined(measure), bySegment: new Map(), dirty: [] }));
  }

  get dirtyEntries(): number {
    return this.#dirtyRows.length + this.#dirtyJoined;
  }

  get newKeys(): string[] {
    return [...this.#newKeys];
  }

  row(name: string): StoredRow | undefined {
    return this.#rows.get(name);
  }

  /** All that the events change is in memory when it resolves, for `count`. Where it rejects, this cache is of no use any more. */
  async load(countings: readonly Counting[]): Promise<void> {
    await this.#loadJoined(countings);
    await this.#loadGroups(countings);
  }

  async #loadJoined(countings: readonly Counting[]): Promise<void> {
    const missing: Joined[] = [];
    const names: string[] = [];
    for (const { pairings } of countings)
      for (const pairing of pairings) pairing.joined = this.#joinedOf(pairing, missing, names);
    if (missing.length === 0) return;
    const values = await this.#store.read(names);
    for (const [index, joined] of missing.entries()) {
      const value = values[index];
      if (value === undefined) continue;
      joined.load(value);
      this.#joinedWeight += joined.firsts.length;
    }
  }

  #joinedOf({ measure, segment }: Pairing, missing: Joined[], names: string[]): Joined {
    const { prefix, bySegment } = this.#joined[measure] as JoinedOfMeasure;
    const known = bySegment.get(segment);
    if (known) return known;
    const { keptForDays } = this.#measures[measure] as AnyMeasure & { readonly kind: 'pairs' };
    const joined = new Joined(segment, keptForDays);
    bySegment.set(segment, joined);
    this.#joinedWeight += weightOfJoined(joined);
    if (this.#mayBeStored(segment)) {
      missing.push(joined);
      names.push(prefix + segment);
    }
    return joined;
  }

  /** Those of the events, and of the firsts that seconds among them find. */
  async #loadGroups(countings: readonly Counting[]): Promise<void> {
    const missing: Group[] = [];
    for (const counting of countings) {
      const { counted, pairings } = counting;
      if (counted) counting.group = this.#groupOf(counted.minute, counted.key, missing);
      for (const { joined, isSecond } of pairings)
        if (isSecond) for (const { minute, key } of (joined as Joined).firsts) this.#groupOf(minute, key, missing);
    }
    if (missing.length === 0) return;
    const places = missing.map(({ minute, key }) =>
      placesOf(minute).map(({ row, part }) => ({ row, part, name: this.#keys.row(row, key) })),
    );
    const raw = await this.#rawRows(places.flat());
    for (const [index, group] of missing.entries())
      group.parts = this.#partsOf(group.key, places[index] as readonly NamedPlace[], raw);
  }

  #groupOf(minute: string, key: string, missing: Group[]): Group {
    let groups = this.#groups.get(minute);
    if (!groups) this.#groups.set(minute, (groups = new Map<string, Group>()));
    const known = groups.get(key);
    if (known) return known;
    const group: Group = { minute, key, parts: [] };
    groups.set(key, group);
    missing.push(group);
    return group;
  }

  async #rawRows(places: readonly NamedPlace[]): Promise<RawRows> {
    const raw = new Map<string, Buffer | undefined>();
    for (const { name } of places) if (!this.#rows.has(name) && this.#mayBeStored(name)) raw.set(name, undefined);
    if (raw.size === 0) return raw;
    const names = [...raw.keys()];
    const stored = await this.#store.read(names);
    for (const [index, name] of names.entries()) raw.set(name, stored[index]);
    return raw;
  }

  #mayBeStored(name: string): boolean {
    return this.#store.letGo?.mayHave(name) ?? true;
  }

  #partsOf(key: string, places: readonly NamedPlace[], raw: RawRows): Group['parts'] {
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

  count({ timeMs, counted, pairings, group }: Counting): void {
    if (counted && group)
      for (const { row, values } of group.parts) {
        addEvent(values, this.#measures, counted.time);
        this.#changed(row);
      }
    for (const pairing of pairings) this.#pair(timeMs, pairing, group);
  }

  #pair(timeMs: number, { joined, measure, isSecond }: Pairing, group: Group | undefined): void {
    if (!joined) return;
    if (!joined.isDirty) {
      (this.#joined[measure] as JoinedOfMeasure).dirty.push(joined);
      this.#dirtyJoined += 1;
    }
    this.#joinedWeight -= weightOfJoined(joined);
    joined.touch(timeMs);
    if (isSecond) {
      for (const { minute, key, count } of joined.firsts)
        this.#addPairs(this.#groups.get(minute)?.get(key) as Group, measure, count);
      joined.addSecond();
    }
    if (group) {
      if (joined.seconds > 0) this.#addPairs(group, measure, joined.seconds);
      joined.addFirst(group.minute, group.key);
    }
    this.#joinedWeight += weightOfJoined(joined);
  }

  #addPairs({ parts }: Group, measure: number, pairs: number): void {
    for (const { row, values } of parts) {
      addPairs(values, measure, pairs);
      this.#changed(row);
    }
  }

  #changed(row: Row): void {
    if (row.isDirty) return;
    row.isDirty = true;
    this.#dirtyRows.push(row);
  }

  /** All that has changed since it was last taken; what is remembered for pairs in the order of its names, which a store takes more easily. */
  take(nowMs: number): readonly StatePut[] {
    const put: StatePut[] = [];
    for (const row of this.#dirtyRows) {
      row.isDirty = false;
      put.push({ key: row.name, value: rowBytes(row) });
    }
    this.#dirtyRows = [];
    for (const one of this.#joined) {
      for (const joined of one.dirty.toSorted(inOrder)) {
        joined.isDirty = false;
        const { value, expiresAtMs } = joined.put(nowMs);
        put.push({ key: one.prefix + joined.segment, value, expiresAtMs });
      }
      one.dirty = [];
    }
    this.#dirtyJoined = 0;
    return put;
  }

  /** The store has rows of these keys. */
  forgetNewKeys(keys: readonly string[]): void {
    for (const key of keys) this.#newKeys.delete(key);
  }

  /** Not while anything that is let go of may not be in the store yet, or is about to be counted in. */
  letGo(): void {
    if (this.#joinedWeight > maxKeptJoined)
      for (const { bySegment } of this.#joined) this.#joinedWeight -= this.#deleteClean(bySegment, weightOfJoined);
    if (this.#rowWeight <= maxKeptParts) return;
    this.#groups.clear();
    this.#rowWeight -= this.#deleteClean(this.#rows, weightOfRow);
  }

  /** @param entries by what the filter knows them by @returns what they weighed */
  #deleteClean<E extends Row | Joined>(entries: Map<string, E>, weight: (entry: E) => number): number {
    let deleted = 0;
    for (const [id, entry] of entries) {
      if (entry.isDirty) continue;
      entries.delete(id);
      this.#store.letGo?.add(id);
      deleted += weight(entry);
    }
    return deleted;
  }
}

function inOrder(one: Joined, other: Joined): number {
  return one.segment < other.segment ? -1 : 1;
}

function weightOfRow({ parts }: StoredRow): number {
  return 1 + parts.length;
}

function weightOfJoined({ firsts }: Joined): number {
  return 1 + firsts.length;
}
