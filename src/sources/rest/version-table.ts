/**
 * The versions of items that an incremental pull has had, in the file of its runs: those of the run under way, and those of the last
 * stretch that the runs before it had. What comes again in the overlap is known by them (D5).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ReadItem } from './pulled-items.ts';

const tables = `
  CREATE TABLE IF NOT EXISTS versions (key TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS overlap (key TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID;`;

/** Of an item of an incremental pull: its key and the value of its field. */
export type Version = readonly [key: string, at: number];

export class VersionTable {
  readonly #database: DatabaseSync;
  readonly #remember: StatementSync;
  readonly #isKnown: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec(tables);
    this.#database = database;
    this.#remember = database.prepare('INSERT OR IGNORE INTO versions (key, at) VALUES (?, ?)');
    this.#isKnown = database.prepare('SELECT 1 FROM overlap WHERE key = ?');
  }

  /** A run before had that version. */
  isKnown({ key, at }: ReadItem): boolean {
    return key !== null && at !== null && this.#isKnown.get(key) !== undefined;
  }

  /** Of the run under way. @param high greatest value of the field so far: what lies before its stretch need not be known */
  remember(items: readonly ReadItem[], high: number, overlap: number): void {
    const from = stretchFrom(high, overlap);
    for (const { key, at } of items) if (key !== null && at !== null && at >= from) this.#remember.run(key, at);
  }

  /** Those of the run under way. */
  forgetRun(): void {
    this.#database.exec('DELETE FROM versions');
  }

  /** Those of the runs before it. */
  forgetKnown(): void {
    this.#database.exec('DELETE FROM overlap');
  }

  addKnown(versions: Iterable<Version>): void {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO overlap (key, at) VALUES (?, ?)');
    for (const version of versions) insert.run(...version);
  }

  /** The run under way is done, and is one of those before: of all of them what lies in the last stretch is kept. */
  keep(high: number, overlap: number): void {
    const from = stretchFrom(high, overlap);
    this.#database.prepare('DELETE FROM overlap WHERE at < ?').run(from);
    this.#database.prepare('INSERT OR IGNORE INTO overlap SELECT key, at FROM versions WHERE at >= ?').run(from);
  }

  /** What `keep` would leave. */
  *lastStretch(high: number, overlap: number): Generator<Version> {
    const from = stretchFrom(high, overlap);
    const rows = this.#database.prepare(
      'SELECT key, at FROM overlap WHERE at >= ? UNION SELECT key, at FROM versions WHERE at >= ?',
    );
    for (const row of rows.iterate(from, from)) yield [String(row['key']), Number(row['at'])];
  }
}

/** An address tells times to the millisecond: what comes again may have come before in it. */
function stretchFrom(high: number, overlap: number): number {
  return Math.floor(high - overlap);
}
