/**
 * How far a sink has come, in the database where its rows are: one row of `tributary_checkpoints` for each partition of
 * each log. It moves in the transaction that brings the rows, and only from where its owner believes it to be (D3).
 */
import { type ClientBase, escapeIdentifier, type Pool } from 'pg';
import type { TopicPartition } from '../../log/log.ts';
import { underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';
import { checkpointsTable as table, createCheckpoints } from './table-statements.ts';

export interface CheckpointKey extends TopicPartition {
  readonly logId: string;
  readonly pipeline: string;
  readonly sink: string;
}

const isKey = 'log_id = $1 AND pipeline = $2 AND sink = $3 AND topic = $4 AND partition = $5';

function keyValues({ logId, pipeline, sink, topic, partition }: CheckpointKey): unknown[] {
  return [logId, pipeline, sink, topic, partition];
}

/** Where it is there, nothing needs to be allowed. @throws Fault WAREHOUSE_DENIED */
export async function ensureCheckpoints(client: ClientBase): Promise<void> {
  const found = await client.query<{ there: boolean }>(`SELECT to_regclass('${table}') IS NOT NULL AS there`);
  if (found.rows[0]?.there) return;
  await underLock(client, table, () => client.query(createCheckpoints)).catch((error: unknown) => {
    if (!isDenied(error)) throw error;
    throw denied(`the table ${table} is missing, and to make it takes USAGE and CREATE on the schema`, error);
  });
}

/** For a last commit that is on its way. */
const ownerPatienceMs = 5_000;

/**
 * Waits for a transaction under way (an earlier owner's, whose last commit is on its way) to end. One that takes longer is ended: its
 * owner may have been stopped in the middle, and would keep the row for as long. Where it was only slow, it does its batch again.
 * @param pool for a second connection, while the client waits
 */
export async function openCheckpoint(client: ClientBase, pool: Pool, key: CheckpointKey): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const failed = Promise.withResolvers<never>();
  const timer = setInterval(() => void endBlocking(pool, rows[0]!.pid).catch(failed.reject), ownerPatienceMs);
  try {
    return await Promise.race([makeAndHold(client, key), failed.promise]);
  } finally {
    clearInterval(timer);
  }
}

async function makeAndHold(client: ClientBase, key: CheckpointKey): Promise<number> {
  await client.query(`INSERT INTO ${table} VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT DO NOTHING`, keyValues(key));
  return holdCheckpoint(client, key);
}

/** Only our own: somebody else's transaction is waited for. */
async function endBlocking(pool: Pool, pid: number): Promise<void> {
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid = ANY (pg_blocking_pids($1)) AND usename = current_user AND application_name = 'tributary'`,
    [pid],
  );
}

/** Where it stands, and it stays there until the client's transaction ends; 0 where there is none. */
export async function holdCheckpoint(client: ClientBase, key: CheckpointKey): Promise<number> {
  const found = await client.query<{ next: string }>(
    `SELECT next_offset AS next FROM ${table} WHERE ${isKey} FOR UPDATE`,
    keyValues(key),
  );
  return Number(found.rows[0]?.next ?? 0);
}

/** False, and nothing changed, where it is not at `from`. */
export async function advanceCheckpoint(client: ClientBase, key: CheckpointKey, from: number, to: number) {
  const moved = await client.query(`UPDATE ${table} SET next_offset = $7 WHERE ${isKey} AND next_offset = $6`, [
    ...keyValues(key),
    from,
    to,
  ]);
  return moved.rowCount === 1;
}

export async function readCheckpoint(client: ClientBase, key: CheckpointKey): Promise<number | undefined> {
  const found = await client.query<{ next: string }>(
    `SELECT next_offset AS next FROM ${table} WHERE ${isKey}`,
    keyValues(key),
  );
  return found.rows[0] && Number(found.rows[0].next);
}

/**
 * The table, which is named as its sink, has rows, and no log has ever moved a checkpoint with it: somebody brought them from another
 * database, and left behind what says how far they go.
 */
export async function hasUncountedRows(pool: Pool, { sink }: CheckpointKey): Promise<boolean> {
  const found = await pool.query<{ uncounted: boolean }>(
    `SELECT EXISTS (SELECT FROM ${escapeIdentifier(sink)})
       AND NOT EXISTS (SELECT FROM ${table} WHERE sink = $1 AND next_offset > 0) AS uncounted`,
    [sink],
  );
  return found.rows[0]?.uncounted === true;
}
