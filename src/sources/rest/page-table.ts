/**
 * The pages of the run under way, in its file of SQLite: a row a page, its items as the lines that they become. Each item has a place, the
 * number of items before it. By cursor and link an item that comes again takes the place of the first one: that is noted, and done when
 * the lines are read.
 */
import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { Changed } from './paging.ts';
import type { ReadItem } from './pulled-items.ts';
import type { Counts } from './run.ts';
import { SeenKeys } from './seen-keys.ts';

/** `lines`: one an item, empty where nothing is kept of it. `digest`: of pages that must not come twice. */
const tables = `
  CREATE TABLE IF NOT EXISTS pages (
    first INTEGER PRIMARY KEY, digest TEXT UNIQUE, gaps INTEGER NOT NULL, keys TEXT NOT NULL, lines BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS refusals (place INTEGER PRIMARY KEY, line BLOB NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS again (place INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS again_first ON again (first);`;

export type OnRepeat = 'changed' | 'replace';

export interface StoredRefusal {
  readonly line: Uint8Array;
  readonly path: string;
  readonly message: string;
}

const lineFeed = 0x0a;

export class PageTable {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #refuse: StatementSync;
  readonly #again: StatementSync;
  readonly #pageOf: StatementSync;
  readonly #seen: SeenKeys;
  #isSeenRead = false;
  /** The page that is being kept. */
  #page: { readonly first: number; readonly keys: (string | null)[] } = { first: Infinity, keys: [] };

  constructor(database: DatabaseSync, slots?: number) {
    database.exec(tables);
    this.#database = database;
    this.#insert = database.prepare(
      'INSERT INTO pages (first, digest, gaps, keys, lines) VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING',
    );
    this.#refuse = database.prepare('INSERT INTO refusals (place, line, path, message) VALUES (?, ?, ?, ?)');
    this.#again = database.prepare('INSERT OR IGNORE INTO again (place, first) VALUES (?, ?)');
    this.#pageOf = database.prepare(
      'SELECT first, keys, lines FROM pages WHERE first <= ? ORDER BY first DESC LIMIT 1',
    );
    this.#seen = new SeenKeys({ keyAt: (place) => this.#keyAt(place), ...(slots !== undefined && { slots }) });
  }

  clear(): void {
    this.#database.exec('DELETE FROM pages; DELETE FROM refusals; DELETE FROM again');
    this.#seen.begin();
    this.#isSeenRead = true;
  }

  /**
   * @param first how many items came before @param isKnown of an earlier run: nothing is kept of it
   * @throws Changed where an item was there before, or with `replace` the whole page
   */
  keep(first: number, items: readonly ReadItem[], isKnown: (item: ReadItem) => boolean, onRepeat: OnRepeat): Counts {
    this.#readSeen();
    const counts = { items: items.length, kept: 0, refused: 0, leftOut: 0, known: 0 };
    const keys: (string | null)[] = [];
    this.#page = { first, keys };
    const lines = items.map((item, index): Uint8Array | null => {
      const { key, line, refusal } = item;
      if (isKnown(item)) {
        keys.push(null);
        counts.known += 1;
        return null;
      }
      const place = first + index;
      const isAgain = this.#isAgain(key, place, onRepeat);
      keys.push(key);
      counts[isAgain ? 'known' : refusal ? 'refused' : line === null ? 'leftOut' : 'kept'] += 1;
      if (refusal) this.#refuse.run(place, line, refusal.path, refusal.message);
      return refusal ? null : line;
    });
    if (items.length > 0) this.#insertPage(first, keys, lines, onRepeat === 'replace' ? digestOf(items) : null);
    return counts;
  }

  /**
   * Looks for items that came again among those that memory had no room for, and does so for the last time. Pauses between pages.
   * @param items how many came in all @returns how many of them came again @throws Changed
   */
  async lookAgain(items: number, onRepeat: OnRepeat): Promise<number> {
    let found = 0;
    if (items <= this.#seen.room) return found;
    this.#readSeen();
    for (let share = 1; share < this.#seen.shares; share++) {
      this.#seen.begin(share);
      for (const { first, keys } of this.#keys()) {
        for (const [index, key] of keys.entries()) if (this.#isAgain(key, first + index, onRepeat)) found += 1;
        await setImmediate();
      }
    }
    return found;
  }

  /** True where an item has come again. */
  hasReplaced(): boolean {
    return this.#database.prepare('SELECT 1 FROM again LIMIT 1').get() !== undefined;
  }

  lineCount(): number {
    let count = 0;
    for (const lines of this.lines()) count += split(lines).length;
    return count;
  }

  /** In the order in which items came first, a line feed behind each one; some at a time. */
  *lines(): Generator<Uint8Array> {
    const replaced = this.hasReplaced();
    for (const { first, gaps, lines } of this.#database
      .prepare('SELECT first, gaps, lines FROM pages ORDER BY first')
      .iterate()) {
      const bytes = lines as Uint8Array;
      if (!replaced && gaps === 0) yield bytes;
      else
        for (const line of replaced ? this.#replaced(Number(first), bytes) : split(bytes))
          if (line.length > 1) yield line;
    }
  }

  *refusals(): Generator<StoredRefusal> {
    const rows = this.#database.prepare(
      `SELECT line, path, message FROM refusals LEFT JOIN again USING (place)
        WHERE refusals.place = (SELECT max(place) FROM again AS others WHERE first = coalesce(again.first, refusals.place))
          OR again.place IS NULL AND NOT EXISTS (SELECT 1 FROM again AS others WHERE others.first = refusals.place)
        ORDER BY coalesce(again.first, refusals.place)`,
    );
    for (const row of rows.iterate()) yield row as unknown as StoredRefusal;
  }

  #isAgain(key: string | null, place: number, onRepeat: OnRepeat): boolean {
    const before = key === null ? undefined : this.#seen.add(key, place);
    if (before === undefined) return false;
    if (onRepeat === 'changed') throw new Changed(`the item with the key ${JSON.stringify(shownKey(key))} came twice`);
    return this.#again.run(place, before).changes > 0;
  }

  #insertPage(
    first: number,
    keys: readonly (string | null)[],
    lines: readonly (Uint8Array | null)[],
    digest: string | null,
  ): void {
    const gaps = lines.includes(null) ? 1 : 0;
    const { changes } = this.#insert.run(first, digest, gaps, JSON.stringify(keys), joined(lines));
    if (changes === 0) throw new Changed('a page came twice');
  }

  /** Of a run that is gone on with: what is there already. */
  #readSeen(): void {
    if (this.#isSeenRead) return;
    this.#seen.begin();
    for (const { first, keys } of this.#keys())
      for (const [index, key] of keys.entries()) if (key !== null) this.#seen.add(key, first + index);
    this.#isSeenRead = true;
  }

  *#keys(): Generator<{ readonly first: number; readonly keys: readonly (string | null)[] }> {
    for (const { first, keys } of this.#database.prepare('SELECT first, keys FROM pages ORDER BY first').iterate())
      yield { first: Number(first), keys: JSON.parse(String(keys)) as (string | null)[] };
  }

  #keyAt(place: number): string | null {
    const { first, keys } = place >= this.#page.first ? this.#page : this.#keysWith(place);
    return keys[place - first] ?? null;
  }

  #keysWith(place: number): { readonly first: number; readonly keys: readonly (string | null)[] } {
    const { first, keys } = this.#pageOf.get(place) as { first: number; keys: string };
    return { first, keys: JSON.parse(keys) as (string | null)[] };
  }

  /** Those of a page: of each item the last that came of it. */
  *#replaced(first: number, bytes: Uint8Array): Generator<Uint8Array> {
    const latest = this.#database.prepare('SELECT max(place) AS place FROM again WHERE first = ?');
    const isAgain = this.#database.prepare('SELECT 1 FROM again WHERE place = ?');
    for (const [index, line] of split(bytes).entries()) {
      if (isAgain.get(first + index)) continue;
      const place = latest.get(first + index)?.['place'];
      yield typeof place === 'number' ? this.#lineAt(place) : line;
    }
  }

  #lineAt(place: number): Uint8Array {
    const { first, lines } = this.#pageOf.get(place) as { first: number; lines: Uint8Array };
    return split(lines)[place - first] as Uint8Array;
  }
}

/** A line feed behind each. */
function joined(lines: readonly (Uint8Array | null)[]): Buffer {
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + (line?.length ?? 0) + 1, 0));
  let at = 0;
  for (const line of lines) {
    if (line !== null) bytes.set(line, at);
    at += line?.length ?? 0;
    bytes[at++] = lineFeed;
  }
  return bytes;
}

/** With their line feeds. */
function split(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(lineFeed, start) + 1;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

function digestOf(items: readonly ReadItem[]): string {
  const lines = joined(items.map(({ line }) => line));
  return hash('sha256', `${hash('sha256', lines)} ${JSON.stringify(items.map(({ key }) => key))}`, 'base64');
}

/** Of an incremental pull, without the value of the field. */
function shownKey(key: string | null): string {
  return (key ?? '').split('\0', 1)[0] as string;
}
