/** Reads the file of a `RunStore`, also while another process writes it. */
import { DatabaseSync } from 'node:sqlite';
import type { Run } from './run.ts';
import { shown } from './run-store.ts';

/** Runs of the pull, newest first. @param limit how many */
export function readRuns(path: string, limit: number): readonly Run[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('PRAGMA busy_timeout = 5000');
    const isMade = database.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'runs'`).get();
    if (!isMade) return []; // who made the file was killed before it made the table
    const rows = database.prepare(`SELECT ${shown} FROM runs ORDER BY id DESC LIMIT ?`).all(limit);
    return rows.map((row) => ({ ...row })) as unknown as Run[];
  } finally {
    database.close();
  }
}
