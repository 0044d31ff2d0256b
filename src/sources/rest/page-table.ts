/**
 * The pages of the run under way, in its file of SQLite: a row a page, with the keys of its items and where their lines stand in the file
 * of lines. Each item has a place, the number of items before it. By cursor and link an item that comes again takes the place of the first
 * one: that is noted, and done when the lines are read.
 */
import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { LineFile } from './line-file.ts';
import { bytesOf, type Piece } from './pages.ts';
import { Changed } from './paging.ts';
import type { ReadItem } from './pulled-items.ts';
import type { Counts } from './run.ts';
import { SeenKeys } from './seen-keys.ts';

/**
 * `digest`: of pages that must not come twice. `kept`: of each item 1 where it has a line, else 0; null where all have one. `start` and
 * `bytes`: of the page's lines, whose checksum is `crc`.
 */
const tables = `
  CREATE TABLE IF NOT EXISTS pages (
    first INTEGER PRIMARY KEY, digest TEXT UNIQUE, kept TEXT, start INTEGER NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL,
    keys TEXT NOT NULL
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
  readonly #lines: LineFile;
  #isRead = false;
  /** The page that is being kept. */
  #page: { readonly first: number; readonly keys: (string | null)[] } = { first: Infinity, keys: [] };

  constructor(database: DatabaseSync, lines: LineFile, slots?: number) {
    database.exec(tables);
    this.#database = database;
    this.#lines = lines;
    this.#insert = database.prepare(
      `INSERT INTO pages (first, digest, kept, start, bytes, crc, keys) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
    );
    this.#refuse = database.prepare('INSERT INTO refusals (place, line, path, message) VALUES (?, ?, ?, ?)');
    this.#again = database.prepare('INSERT OR IGNORE INTO again (place, first) VALUES (?, ?)');
    this.#pageOf = database.prepare('SELECT * FROM pages WHERE first <= ? ORDER BY first DESC LIMIT 1');
    this.#seen = new SeenKeys({ keyAt: (place) => this.#keyAt(place), ...(slots !== undefined && { slots }) });
  }

  /** The lines are to be cleared, too, when that is committed. */
  clear(): void {
    this.#database.exec('DELETE FROM pages; DELETE FROM refusals; DELETE FROM again');
    this.#seen.begin();
    this.#isRead = true;
  }

  /** Of a run that is gone on with: looks at what is there. @throws Changed where it is not what was kept: there was a power cut */
  read(): void {
    if (this.#isRead) return;
    this.#seen.begin();
    let end = 0;
    for (const { first, keys, start, bytes, crc } of this.#pages()) {
      if (start !== end || !this.#lines.holds(start, bytes, crc))
        throw new Changed('not all that was fetched is on disk');
      end += bytes;
      for (const [index, key] of keysIn(keys).entries()) if (key !== null) this.#seen.add(key, first + index);
    }
    this.#lines.cut(end);
    this.#isRead = true;
  }

  /**
   * @param first how many items came before @param isKnown of an earlier run: nothing is kept of it
   * @throws Changed where an item was there before, or with `replace` the whole page
   */
  keep(first: number, items: readonly ReadItem[], isKnown: (item: ReadItem) => boolean, onRepeat: OnRepeat): Counts {
    this.read();
    const counts = { items: items.length, kept: 0, refused: 0, leftOut: 0, known: 0 };
    const keys: (string | null)[] = [];
    this.#page = { first, keys };
    const lines = items.map((item, index): Piece | null => {
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
      if (refusal && line) this.#refuse.run(place, bytesOf(line), refusal.path, refusal.message);
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
    for (let share = 1; share < this.#seen.shares; share++) {
      this.#seen.begin(share);
      for (const { first, keys } of this.#pages()) {
        for (const [index, key] of keysIn(keys).entries()) if (this.#isAgain(key, first + index, onRepeat)) found += 1;
        await setImmediate();
      }
    }
    return found;
  }

  /** True where an item has come again. */
  hasReplaced(): boolean {
    return this.#database.prepare('SELECT 1 FROM again LIMIT 1').get() !== undefined;
  }

  /** Of each item the last that came of it, in the order in which items came first; a line feed behind each. */
  *lines(): Generator<Uint8Array> {
    const latest = this.#database.prepare('SELECT max(place) AS place FROM again WHERE first = ?');
    const isAgain = this.#database.prepare('SELECT 1 FROM again WHERE place = ?');
    for (const page of this.#pages())
      for (const [index, line] of this.#linesOf(page).entries()) {
        if (isAgain.get(page.first + index)) continue;
        const place = latest.get(page.first + index)?.['place'];
        const last = typeof place === 'number' ? this.#lineAt(place) : line;
        if (last) yield last;
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
    lines: readonly (Piece | null)[],
    digest: string | null,
  ): void {
    const kept = lines.includes(null) ? lines.map((line) => (line === null ? '0' : '1')).join('') : null;
    const bytes = joined(lines.filter((line) => line !== null));
    const start = this.#lines.length;
    const { changes } = this.#insert.run(first, digest, kept, start, bytes.length, crc32(bytes), JSON.stringify(keys));
    if (changes === 0) throw new Changed('a page came twice');
    this.#lines.add(bytes);
  }

  *#pages(): Generator<StoredPage> {
    const pages = this.#database.prepare('SELECT * FROM pages ORDER BY first');
    for (const page of pages.iterate()) yield page as unknown as StoredPage;
  }

  #keyAt(place: number): string | null {
    const { first, keys } = this.#page;
    if (place >= first) return keys[place - first] ?? null;
    const page = this.#pageWith(place);
    return keysIn(page.keys)[place - page.first] ?? null;
  }

  #lineAt(place: number): Uint8Array | undefined {
    const page = this.#pageWith(place);
    return this.#linesOf(page)[place - page.first];
  }

  #pageWith(place: number): StoredPage {
    return this.#pageOf.get(place) as unknown as StoredPage;
  }

  /** By item; undefined where nothing is kept of it. */
  #linesOf({ start, bytes, kept }: StoredPage): readonly (Uint8Array | undefined)[] {
    const lines = split(this.#lines.read(start, bytes));
    let next = 0;
    return kept === null ? lines : Array.from(kept, (one) => (one === '1' ? lines[next++] : undefined));
  }
}

interface StoredPage {
  readonly first: number;
  readonly kept: string | null;
  readonly start: number;
  readonly bytes: number;
  readonly crc: number;
  readonly keys: string;
}

function keysIn(text: string): readonly (string | null)[] {
  return JSON.parse(text) as (string | null)[];
}

/** A line feed behind each. What stands side by side, as items of an answer do, is copied at once, with what is between. */
function joined(lines: readonly Piece[]): Buffer {
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, { start, end }) => sum + end - start + 1, 0));
  const ends: number[] = [];
  let [at, from] = [0, 0];
  for (const [index, { body, start, end }] of lines.entries()) {
    at += end - start;
    ends.push(at++);
    const next = lines[index + 1];
    if (next?.body === body && next.start === end + 1) continue;
    const first = end - (at - 1 - from);
    body.copy(bytes, from, first, end);
    from = at;
  }
  for (const end of ends) bytes[end] = lineFeed;
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
  const lines = joined(items.flatMap(({ line }) => line ?? []));
  return hash('sha256', `${hash('sha256', lines)} ${JSON.stringify(items.map(({ key }) => key))}`, 'base64');
}

/** Of an incremental pull, without the value of the field; of a long one the beginning. */
function shownKey(key: string | null): string {
  return ((key ?? '').split('\0', 1)[0] as string).slice(0, 100);
}
