/**
 * The runs of one pull, and what the run under way has fetched, in a file of SQLite. A page and the position behind it are in one
 * transaction: whatever way the process ends, the run goes on behind the last page that is here, with no item twice. Pages that follow
 * each other quickly share one, so that what a kill costs is a fifth of a second.
 *
 * What begins and ends a run is synced to disk; pages in between are not, one by one: after a power cut some are fetched again.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Position, start } from './paging.ts';
import { LineFile } from './line-file.ts';
import { type OnRepeat, PageTable, type StoredRefusal } from './page-table.ts';
import type { ReadItem } from './pulled-items.ts';
import type { Run } from './run.ts';
import { type Version, VersionTable } from './version-table.ts';

const tables = `
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, pull TEXT NOT NULL, definition TEXT NOT NULL, origin TEXT, state TEXT NOT NULL, startedAt TEXT NOT NULL, endedAt TEXT,
    since REAL, high REAL, position TEXT NOT NULL, total INTEGER, pages INTEGER NOT NULL DEFAULT 0, items INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0, leftOut INTEGER NOT NULL DEFAULT 0,
    known INTEGER NOT NULL DEFAULT 0, restarts INTEGER NOT NULL DEFAULT 0, reason TEXT, object TEXT, deadLetters TEXT
  ) STRICT`;

/** Columns of `Run`. */
export const shown = `id, pull, state, startedAt, endedAt, since, total, pages, items, kept, refused, leftOut, known, restarts, reason, object,
  deadLetters`;

/** What only the store and the run itself know of it. */
export interface OpenRun extends Run {
  readonly definition: string;
  /** What an incremental pull asks of which API: greatest values of another one mean nothing to it. */
  readonly origin: string | null;
  readonly position: Position;
  /** The greatest value of the field of an incremental pull so far. */
  readonly high: number | null;
}

/** In the order in which they were begun, whatever clocks told then. */
const lastOrigin = `SELECT origin FROM runs WHERE state = 'done' ORDER BY rowid DESC LIMIT 1`;

/** What an incremental pull has had on other nodes. */
type KnownElsewhere = Pick<OpenRun, 'origin' | 'high'>;

/** What an incremental pull has had on other nodes. */
export interface Known {
  /** The greatest value of the field; null: there was none. */
  readonly high: number | null;
  /** Of the last stretch. */
  readonly versions: Iterable<Version>;
}

const sharedMs = 200;

export class RunStore {
  readonly #database: DatabaseSync;
  readonly #lines: LineFile;
  readonly #pages: PageTable;
  readonly #versions: VersionTable;
  readonly #update: StatementSync;
  #committedMs = -Infinity;
  /** In place of what the runs here have had. */
  #known: KnownElsewhere | undefined;

  /** @param path its directory is there; one process at a time may write @param slots of keys in memory, for tests */
  constructor(path: string, slots?: number) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; ${tables}`,
    );
    this.#lines = new LineFile(`${path}-lines`);
    this.#pages = new PageTable(this.#database, this.#lines, slots);
    this.#versions = new VersionTable(this.#database);
    this.#update = this.#database.prepare(
      `UPDATE runs SET state = ?, position = ?, total = ?, pages = ?, items = ?, kept = ?, refused = ?, leftOut = ?, known = ?,
        restarts = ?, reason = ?, high = ? WHERE id = ?`,
    );
  }

  /** That which has not ended. */
  unfinished(): OpenRun | undefined {
    const row = this.#one(
      `SELECT ${shown}, definition, origin, position, high FROM runs WHERE state IN ('fetching', 'fetched')`,
    );
    return row && ({ ...row, position: JSON.parse(String(row['position'])) as Position } as unknown as OpenRun);
  }

  begin(run: Pick<OpenRun, 'id' | 'pull' | 'startedAt' | 'definition' | 'origin' | 'since'>): OpenRun {
    const { id, pull, startedAt, definition, origin, since } = run;
    this.#synced(() => {
      this.#forgetItems();
      this.#forgetOthers(origin);
      this.#run(
        `INSERT INTO runs (id, pull, definition, origin, state, startedAt, since, position)
          VALUES (?, ?, ?, ?, 'fetching', ?, ?, ?)`,
        [id, pull, definition, origin, startedAt, since, JSON.stringify(start)],
      );
    });
    this.#lines.cut(0);
    return this.unfinished() as OpenRun;
  }

  /** A run that was interrupted. */
  goOn(run: OpenRun): OpenRun {
    this.#transaction(() => this.#forgetOthers(run.origin)); // `addKnown` may have brought them back
    return run;
  }

  /**
   * @param next undefined: that was the last page
   * @throws Changed, and nothing is kept: an item was there before, or with `replace` the whole page
   */
  keepPage(run: OpenRun, { items, next, total, onRepeat, overlap, most = Infinity }: KeptPage): OpenRun {
    const change = (): OpenRun => {
      const counts = this.#pages.keep(run.items, items, (item) => this.#versions.isKnown(item), onRepeat);
      const high = overlap === undefined ? -Infinity : Math.min(greatest(run, items), most);
      if (overlap !== undefined) this.#versions.remember(items, high, overlap);
      return this.#change(run, {
        state: next ? 'fetching' : 'fetched',
        position: next ?? start,
        total: total ?? null,
        pages: run.pages + 1,
        items: run.items + counts.items,
        kept: run.kept + counts.kept,
        refused: run.refused + counts.refused,
        leftOut: run.leftOut + counts.leftOut,
        known: run.known + counts.known,
        reason: null,
        high: high === -Infinity ? null : high,
      });
    };
    return next ? this.#shared(change) : this.#synced(change);
  }

  /** With nothing of what it has fetched. */
  startOver(run: OpenRun, reason: string): OpenRun {
    const nothing = { total: null, pages: 0, items: 0, kept: 0, refused: 0, leftOut: 0, known: 0, high: null };
    const again = this.#transaction(() => {
      this.#forgetItems();
      return this.#change(run, { ...nothing, state: 'fetching', position: start, restarts: run.restarts + 1, reason });
    });
    this.#lines.cut(0);
    return again;
  }

  /** Of a run that has all: what came again has taken its place, and is counted as what it is then. @throws Changed */
  async settled(run: OpenRun, onRepeat: OnRepeat): Promise<OpenRun> {
    this.#commitShared();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#pages.read();
      const known = run.known + (await this.#pages.lookAgain(run.items, onRepeat));
      const counted = this.#pages.hasReplaced() ? this.#countedAnew({ ...run, known }) : run;
      this.#database.exec('COMMIT');
      return counted;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Why it does not go on for now. */
  stopped({ id }: OpenRun, reason: string): void {
    this.#commitShared();
    this.#run('UPDATE runs SET reason = ? WHERE id = ?', [reason, id]);
  }

  failed({ id }: OpenRun, endedAt: string, reason: string): void {
    this.#synced(() => {
      this.#forgetItems();
      this.#run(`UPDATE runs SET state = 'failed', endedAt = ?, reason = ? WHERE id = ?`, [endedAt, reason, id]);
    });
    this.#lines.cut(0);
  }

  /** What it has is in the object store. @param overlap of an incremental pull: its versions of the last stretch are remembered */
  done(run: OpenRun, end: Pick<Run, 'endedAt' | 'object' | 'deadLetters'>, overlap: number | undefined): void {
    this.#synced(() => {
      if (overlap !== undefined) this.#keepOverlap(run, overlap);
      this.#forgetItems();
      this.#run(
        `UPDATE runs SET state = 'done', endedAt = ?, object = ?, deadLetters = ?, reason = NULL WHERE id = ?`,
        [end.endedAt, end.object, end.deadLetters, run.id],
      );
    });
    this.#lines.cut(0);
  }

  /** What counts from here on is what runs on other nodes have had, which `addKnown` adds, not what the runs here have had. */
  forgetKnown(known: KnownElsewhere): void {
    this.#known = known;
    this.#transaction(() => this.#versions.forgetKnown());
  }

  addKnown(versions: Iterable<Version>): void {
    this.#transaction(() => this.#versions.addKnown(versions));
  }

  /** With that run, which is settled. */
  knownAfter(run: OpenRun, overlap: number): Known {
    const high = this.#highest(run);
    return { high, versions: high === null ? [] : this.#versions.lastStretch(high, overlap) };
  }

  /** The greatest value of the field in all runs that are done since another origin was asked; undefined before the first one. */
  high(origin: string | null): number | undefined {
    if (this.#known) return this.#known.origin === origin ? (this.#known.high ?? undefined) : undefined;
    const other = `SELECT max(rowid) FROM runs WHERE state = 'done' AND origin <> ?`;
    const found = this.#database
      .prepare(`SELECT max(high) AS high FROM runs WHERE state = 'done' AND rowid > coalesce((${other}), 0)`)
      .get(origin);
    const high = found?.['high'];
    return typeof high === 'number' ? high : undefined;
  }

  /** The file of the lines of a run that is settled, as they came; undefined where `lines` has others, as items came again. */
  linesPath(): string | undefined {
    this.#lines.flush();
    return this.#pages.hasReplaced() ? undefined : this.#lines.path;
  }

  /** The lines of a run that is settled. */
  lines(): Generator<Uint8Array> {
    return this.#pages.lines();
  }

  refusals(): Generator<StoredRefusal> {
    return this.#pages.refusals();
  }

  close(): void {
    try {
      this.#commitShared();
    } finally {
      this.#database.close(); // also where the disk is full: else nobody else could write it
      this.#lines.close();
    }
  }

  #keepOverlap(run: OpenRun, overlap: number): void {
    const highest = this.#highest(run);
    if (highest === null) return;
    this.#run('UPDATE runs SET high = ? WHERE id = ?', [highest, run.id]);
    this.#versions.keep(highest, overlap);
  }

  /** Of that run and those before. */
  #highest({ high, origin }: OpenRun): number | null {
    const highest = Math.max(high ?? -Infinity, this.high(origin) ?? -Infinity);
    return highest === -Infinity ? null : highest;
  }

  #countedAnew(run: OpenRun): OpenRun {
    const kept = this.#pages.lines().reduce((sum) => sum + 1, 0);
    const refused = this.#pages.refusals().reduce((sum) => sum + 1, 0);
    return this.#change(run, { kept, refused, known: run.known, leftOut: run.items - run.known - kept - refused });
  }

  /** Versions of another origin mean nothing to it. */
  #forgetOthers(origin: string | null): void {
    const before = this.#known ? this.#known.origin : this.#one(lastOrigin)?.['origin'];
    if (origin !== null && before != null && before !== origin) this.#versions.forgetKnown();
  }

  #forgetItems(): void {
    this.#pages.clear();
    this.#versions.forgetRun();
  }

  #change(run: OpenRun, changes: Partial<OpenRun>): OpenRun {
    const changed = { ...run, ...changes };
    const { state, position, total, pages, items, kept, refused, leftOut, known, restarts, reason, high, id } = changed;
    const counts = [total, pages, items, kept, refused, leftOut, known, restarts];
    this.#update.run(state, JSON.stringify(position), ...counts, reason, high, id);
    return changed;
  }

  /** In the transaction that is open, which ends where the one before it is long enough ago. */
  #shared<T>(change: () => T): T {
    if (!this.#database.isTransaction) this.#database.exec('BEGIN IMMEDIATE');
    this.#database.exec('SAVEPOINT page');
    let changed: T;
    try {
      changed = change();
      this.#database.exec('RELEASE page');
    } catch (error) {
      this.#database.exec('ROLLBACK TO page; RELEASE page');
      throw error;
    }
    if (performance.now() - this.#committedMs >= sharedMs) this.#commitShared();
    return changed;
  }

  #commitShared(): void {
    if (!this.#database.isTransaction) return;
    this.#lines.flush();
    this.#database.exec('COMMIT');
    this.#committedMs = performance.now();
  }

  #synced<T>(change: () => T): T {
    this.#commitShared();
    this.#database.exec('PRAGMA synchronous = FULL');
    try {
      return this.#transaction(change);
    } finally {
      this.#database.exec('PRAGMA synchronous = NORMAL');
    }
  }

  #transaction<T>(change: () => T): T {
    this.#commitShared();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const changed = change();
      this.#lines.flush();
      this.#database.exec('COMMIT');
      return changed;
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

function greatest({ high }: OpenRun, items: readonly ReadItem[]): number {
  return items.reduce((most, { at }) => Math.max(most, at ?? most), high ?? -Infinity);
}

export interface KeptPage {
  readonly items: readonly ReadItem[];
  readonly next: Position | undefined;
  readonly total: number | undefined;
  readonly onRepeat: OnRepeat;
  /** Of an incremental pull. */
  readonly overlap: number | undefined;
  /** Greater values of the field are not asked from. Default: any. */
  readonly most?: number;
}
