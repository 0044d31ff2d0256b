/**
 * A lock that dies with its process: SQLite's lock on an empty database file, which is a POSIX record lock that the kernel
 * drops whatever way the process ends, on Linux and macOS, also between containers that share the directory. No
 * process ids, so none can be re-used; two starters at the same moment: the kernel lets one in.
 */
import { DatabaseSync } from 'node:sqlite';

/** SQLite's result code for a database that another connection has locked. */
const SQLITE_BUSY = 5;

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;

/**
 * SQLite takes the lock in steps, so that two starters can stand in each other's way for a moment; one that waits gives
 * up its step, and the other one wins.
 */
const WAIT_MS = 250;

/** Else the garbage collector would end the lock of a log that nobody holds on to, and never closed. */
const held = new Set<DatabaseSync>();

/** Blocks for up to `waitMs` where another process holds it. What it answers ends the lock, and may be called again. */
export async function lockFile(path: string, waitMs = WAIT_MS): Promise<(() => void) | undefined> {
  const database = new DatabaseSync(path);
  try {
    // Nothing is ever written; the journal is kept off the disk so that no file of it stays behind.
    database.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`);
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  held.add(database);
  return () => {
    if (held.delete(database)) database.close();
  };
}
