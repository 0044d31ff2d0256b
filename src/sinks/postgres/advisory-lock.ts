/** One at a time, over all processes on a database: what `CREATE ... IF NOT EXISTS` alone does not give (it fails in a race). */
import { type ClientBase, escapeLiteral } from 'pg';

/** Waits for the lock of that name, and holds it to the end of the transaction. */
export function lockText(name: string): string {
  return `SELECT pg_advisory_xact_lock(hashtextextended(${escapeLiteral(`tributary: ${name}`)}, 0))`;
}

/** Runs `task` in a transaction that holds the lock of that name, and sees what was committed before it had it, whatever isolation is the default. */
export async function underLock<T>(client: ClientBase, name: string, task: () => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    await client.query(lockText(name));
    const result = await task();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // the error that counts is the first
    throw error;
  }
}
