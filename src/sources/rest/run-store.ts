/**
 * The runs of one pull, and what the run under way has fetched, in a file of SQLite. A page and the position behind it are in one
 * transaction: whatever way the process ends, the run goes on behind the last page that is here, with no item twice. Pages that follow
 * each other quickly share one, so that what a kill costs is a fifth of a second.
 *
 * What begins and ends a run is synced to disk; pages in between are not, one by one: after a power cut some are fetched again.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Changed, type Position, start } from './paging.ts';
import type { ReadItem } from './pulled-items.ts';
import type { Counts, Run, RunState } from './run.ts';

const tables = `
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, pull TEXT NOT NULL, definition TEXT NOT NULL, state TEXT NOT NULL, startedAt TEXT NOT NULL, endedAt TEXT,
    since REAL, high REAL, position TEXT NOT NULL, total INTEGER, pages INTEGER NOT NULL DEFAULT 0, items INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, leftOut INTEGER NOT NULL DEFAULT 0,
    known INTEGER NOT NULL DEFAULT 0, restarts INTEGER NOT NULL DEFAULT 0, reason TEXT, object TEXT, deadLetters TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY, key TEXT UNIQUE, at REAL, line BLOB, path TEXT, message TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS overlap (key TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID;`;

const shown = `id, pull, state, startedAt, endedAt, since, total, pages, items, kept, refused, leftOut, known, restarts, reason, object,
  deadLetters`;

/** What only the store and the run itself know of it. */
export interface OpenRun extends Run {
  readonly definition: string;
  readonly position: Position;
}

export interface StoredRefusal {
  readonly line: Uint8Array;
  readonly path: string;
  readonly message: string;
}

const sharedMs = 200;

export type OnRepeat = 'changed' | 'replace';

export class RunStore {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #isKnown: StatementSync;
  #committedMs = -Infinity;

  /** @param path its directory is there; one process at a time may write */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; ${tables}`,
    );
    this.#insert = this.#database.prepare(
      'INSERT INTO items (key, at, line, path, message) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#replace = this.#database.prepare(
      'UPDATE items SET line = ?1, path = ?2, message = ?3 WHERE key = ?4 AND (line, path, message) IS NOT (?1, ?2, ?3)',
    );
    this.#isKnown = this.#database.prepare('SELECT 1 FROM overlap WHERE key = ?');
  }

  /** That which has not ended. */
  unfinished(): OpenRun | undefined {
    const row = this.#one(`SELECT ${shown}, definition, position FROM runs WHERE state IN ('fetching', 'fetched')`);
    return row && ({ ...row, position: JSON.parse(String(row['position'])) as Position } as unknown as OpenRun);
  }

  begin(run: Pick<OpenRun, 'id' | 'pull' | 'startedAt' | 'definition' | 'since'>): OpenRun {
    const { id, pull, startedAt, definition, since } = run;
    this.#synced(() => {
      this.#database.exec('DELETE FROM items');
      this.#run(
        `INSERT INTO runs (id, pull, definition, state, startedAt, since, position) VALUES (?, ?, ?, 'fetching', ?, ?, ?)`,
        [id, pull, definition, startedAt, since, JSON.stringify(start)],
      );
    });
    return this.unfinished() as OpenRun;
  }

  /**
   * @param next undefined: that was the last page
   * @throws Changed, and nothing is kept: an item was there before, or with `replace` all of them as they were
   */
  keepPage({ id }: OpenRun, page: KeptPage): OpenRun {
    const { items, next, total, onRepeat } = page;
    const change = (): void => {
      const counts = this.#keepItems(items, onRepeat);
      this.#run(
        `UPDATE runs SET state = ?, position = ?, total = ?, pages = pages + 1, items = items + ?, kept = kept + ?, refused = refused + ?,
          leftOut = leftOut + ?, known = known + ?, reason = NULL WHERE id = ?`,
        [
          (next ? 'fetching' : 'fetched') satisfies RunState,
          JSON.stringify(next ?? start),
          total ?? null,
          counts.items,
          counts.kept,
          counts.refused,
          counts.leftOut,
          counts.known,
          id,
        ],
      );
      if (!next && onRepeat === 'replace') this.#countAnew(id);
    };
    if (next) this.#shared(change);
    else this.#synced(change);
    return this.unfinished() as OpenRun;
  }

  /** With nothing of what it has fetched. */
  startOver({ id }: OpenRun, reason: string): OpenRun {
    this.#transaction(() => {
      this.#database.exec('DELETE FROM items');
      this.#run(
        `UPDATE runs SET state = 'fetching', position = ?, total = NULL, pages = 0, items = 0, kept = 0, refused = 0, leftOut = 0,
          known = 0, restarts = restarts + 1, reason = ? WHERE id = ?`,
        [JSON.stringify(start), reason, id],
      );
    });
    return this.unfinished() as OpenRun;
  }

  /** Why it does not go on for now. */
  stopped({ id }: OpenRun, reason: string): void {
    this.#commitShared();
    this.#run('UPDATE runs SET reason = ? WHERE id = ?', [reason, id]);
  }

  failed({ id }: OpenRun, endedAt: string, reason: string): void {
    this.#synced(() => {
      this.#database.exec('DELETE FROM items');
      this.#run(`UPDATE runs SET state = 'failed', endedAt = ?, reason = ? WHERE id = ?`, [endedAt, reason, id]);
    });
  }

  /** What it has is in the object store. @param overlap of an incremental pull: its versions of the last stretch are remembered */
  done({ id }: OpenRun, end: Pick<Run, 'endedAt' | 'object' | 'deadLetters'>, overlap: number | undefined): void {
    this.#synced(() => {
      if (overlap !== undefined) this.#remember(id, overlap);
      this.#database.exec('DELETE FROM items');
      this.#run(
        `UPDATE runs SET state = 'done', endedAt = ?, object = ?, deadLetters = ?, reason = NULL WHERE id = ?`,
        [end.endedAt, end.object, end.deadLetters, id],
      );
    });
  }

  /** The greatest value of the field in all runs that are done; undefined before the first one. */
  high(): number | undefined {
    const high = this.#one(`SELECT max(high) AS high FROM runs WHERE state = 'done'`)?.['high'];
    return typeof high === 'number' ? high : undefined;
  }

  /** Lines of the run under way, in the order in which they came. */
  *lines(): Generator<Uint8Array> {
    const rows = this.#database.prepare(
      'SELECT line FROM items WHERE line IS NOT NULL AND message IS NULL ORDER BY seq',
    );
    for (const { line } of rows.iterate()) yield line as Uint8Array;
  }

  *refusals(): Generator<StoredRefusal> {
    const rows = this.#database.prepare('SELECT line, path, message FROM items WHERE message IS NOT NULL ORDER BY seq');
    for (const row of rows.iterate()) yield row as unknown as StoredRefusal;
  }

  close(): void {
    this.#commitShared();
    this.#database.close();
  }

  #keepItems(items: readonly ReadItem[], onRepeat: OnRepeat): Counts {
    const counts = { items: items.length, kept: 0, refused: 0, leftOut: 0, known: 0 };
    let unchanged = 0;
    for (const { key, at, line, refusal } of items) {
      if (key !== null && at !== null && this.#isKnown.get(key)) {
        counts.known += 1;
        continue;
      }
      const { path, message } = refusal ?? { path: null, message: null };
      if (this.#insert.run(key, at, line, path, message).changes === 0) {
        if (onRepeat === 'changed')
          throw new Changed(`the item with the key ${JSON.stringify(shownKey(key))} came twice`);
        if (this.#replace.run(line, path, message, key).changes === 0) unchanged += 1;
        counts.known += 1;
      } else if (refusal) counts.refused += 1;
      else if (line === null) counts.leftOut += 1;
      else counts.kept += 1;
    }
    if (unchanged > 0 && unchanged === items.length) throw new Changed('a page came twice');
    return counts;
  }

  /** What came again may have become another kind. */
  #countAnew(id: string): void {
    const where = {
      kept: 'line IS NOT NULL AND message IS NULL',
      refused: 'message IS NOT NULL',
      leftOut: 'line IS NULL',
    };
    const sets = Object.entries(where).map(([name, is]) => `${name} = (SELECT count(*) FROM items WHERE ${is})`);
    this.#run(`UPDATE runs SET ${sets.join(', ')} WHERE id = ?`, [id]);
  }

  #remember(id: string, overlap: number): void {
    const before = this.high() ?? null;
    this.#run(`UPDATE runs SET high = (SELECT max(at) FROM (SELECT at FROM items UNION ALL SELECT ?)) WHERE id = ?`, [
      before,
      id,
    ]);
    const from = '(SELECT high FROM runs WHERE id = ?) - ?';
    this.#run(`DELETE FROM overlap WHERE at < ${from}`, [id, overlap]);
    this.#run(
      `INSERT OR IGNORE INTO overlap SELECT key, at FROM items WHERE key IS NOT NULL AND at IS NOT NULL AND at >= ${from}`,
      [id, overlap],
    );
  }

  /** In the transaction that is open, which ends where the one before it is long enough ago. */
  #shared(change: () => void): void {
    if (!this.#database.isTransaction) this.#database.exec('BEGIN IMMEDIATE');
    this.#database.exec('SAVEPOINT page');
    try {
      change();
      this.#database.exec('RELEASE page');
    } catch (error) {
      this.#database.exec('ROLLBACK TO page; RELEASE page');
      throw error;
    }
    if (performance.now() - this.#committedMs >= sharedMs) this.#commitShared();
  }

  #commitShared(): void {
    if (!this.#database.isTransaction) return;
    this.#database.exec('COMMIT');
    this.#committedMs = performance.now();
  }

  #synced(change: () => void): void {
    this.#commitShared();
    this.#database.exec('PRAGMA synchronous = FULL');
    try {
      this.#transaction(change);
    } finally {
      this.#database.exec('PRAGMA synchronous = NORMAL');
    }
  }

  #transaction(change: () => void): void {
    this.#commitShared();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      change();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #one(statement: string): Record<string, unknown> | undefined {
    return this.#database.prepare(statement).get();
  }

  #run(statement: string, values: readonly SQLInputValue[]): void {
    this.#database.prepare(statement).run(...values);
  }
}

export interface KeptPage {
  readonly items: readonly ReadItem[];
  readonly next: Position | undefined;
  readonly total: number | undefined;
  readonly onRepeat: OnRepeat;
}

/** Of an incremental pull, without the value of the field. */
function shownKey(key: string | null): string {
  return (key ?? '').split('\0', 1)[0] as string;
}

/** Runs of a pull, newest first, also while another process writes them. @param limit how many */
export function readRuns(path: string, limit: number): readonly Run[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('PRAGMA busy_timeout = 5000');
    const rows = database.prepare(`SELECT ${shown} FROM runs ORDER BY id DESC LIMIT ?`).all(limit);
    return rows.map((row) => ({ ...row })) as unknown as Run[];
  } finally {
    database.close();
  }
}
