/**
 * What is known of each batch, in a table of the same database, so that a batch and its status commit together (D7).
 *
 * While a batch is under way its session holds an advisory lock that is named for it. Where the lock is free and the batch has no end,
 * its owner is dead, and so is its transaction: whoever finds that out first says so, and the key is free again.
 */
import { type ClientBase, escapeIdentifier, type Pool } from 'pg';
import { Fault } from '../../errors.ts';
import type { FoundErrors, RowError } from './row-errors.ts';

/** `checked`: the end of a dry run that found nothing wrong. */
export type BatchState = 'receiving' | 'validating' | 'committed' | 'checked' | 'rejected';

export interface BatchStatus {
  readonly id: string;
  readonly state: BatchState;
  readonly isDryRun: boolean;
  /** While it is received, as of a second ago. */
  readonly rows: number;
  readonly errorCount: number;
  readonly errors: readonly RowError[];
  readonly digest: string | null;
  readonly receivedAt: Date;
  readonly validatingAt: Date | null;
  readonly endedAt: Date | null;
}

const columns = `id, state, dry_run AS "isDryRun", rows::float8 AS rows, error_count::float8 AS "errorCount", errors, digest,
  received_at AS "receivedAt", validating_at AS "validatingAt", ended_at AS "endedAt"`;
const underWay = `state IN ('receiving', 'validating')`;

/** A batch's follows from its id. */
const lockOf = (id: string): string => `hashtextextended('tributary batch ' || ${id}::text, 0)`;

/** Of the row that an unfinished batch leaves. */
const abandoned: readonly RowError[] = [
  { line: null, field: null, value: null, reason: 'the node that took the batch has gone; nothing of it is in' },
];

const cancelled: readonly RowError[] = [
  { line: null, field: null, value: null, reason: 'cancelled; nothing of it is in' },
];

export interface NewBatch {
  readonly id: string;
  readonly bulk: string;
  /** Of a dry run: by it its status is found, and no more. */
  readonly key: string | undefined;
  readonly isDryRun: boolean;
}

/**
 * The batch is under way, and this client's session owns it until it ends.
 * @returns the batch that has the key, where there is one; nothing has begun then
 */
export async function beginBatch(client: ClientBase, batch: NewBatch): Promise<BatchStatus | undefined> {
  const { id, bulk, key, isDryRun } = batch;
  await client.query(`SELECT pg_advisory_lock(${lockOf('$1')})`, [id]);
  for (;;) {
    await rejectAbandoned(client);
    const begun = await client.query(
      `INSERT INTO tributary_batches (id, bulk, ${isDryRun ? 'dry_run_key' : 'idempotency_key'}, dry_run, state)
       VALUES ($1, $2, $3, $4, 'receiving') ON CONFLICT (bulk, idempotency_key) WHERE state <> 'rejected' DO NOTHING`,
      [id, bulk, key, isDryRun],
    );
    if (begun.rowCount === 1) return undefined;
    const found = await client.query<BatchStatus>(
      `SELECT ${columns} FROM tributary_batches WHERE bulk = $1 AND idempotency_key = $2 AND state <> 'rejected'`,
      [bulk, key],
    );
    if (found.rows[0]) return found.rows[0]; // else it was rejected in between
  }
}

/** The locks are taken for the statement only. One that was cancelled has its reason. */
async function rejectAbandoned(client: ClientBase): Promise<void> {
  await client.query(
    `UPDATE tributary_batches SET state = 'rejected', errors = CASE error_count WHEN 0 THEN $1 ELSE errors END, error_count = 1,
       ended_at = clock_timestamp()
     WHERE ${underWay} AND pg_try_advisory_xact_lock(${lockOf('id')})`,
    [JSON.stringify(abandoned)],
  );
}

/** How far it has come, for others to see. */
export async function noteReceived(client: ClientBase, id: string, rows: number): Promise<void> {
  await client.query(`UPDATE tributary_batches SET rows = $2 WHERE id = $1 AND state = 'receiving'`, [id, rows]);
}

/** All rows are staged: others see it at once. */
export async function noteValidating(client: ClientBase, id: string, rows: number): Promise<void> {
  await client.query(
    `UPDATE tributary_batches SET state = 'validating', rows = $2, validating_at = clock_timestamp() WHERE id = $1`,
    [id, rows],
  );
}

/** In the transaction of the rows, as its last statement: who asks for the key meanwhile waits for its end. */
export async function noteCommitted(client: ClientBase, id: string, digest: string | undefined): Promise<void> {
  const noted = await client.query(
    `UPDATE tributary_batches SET state = 'committed', digest = $2, ended_at = clock_timestamp() WHERE id = $1 AND state = 'validating' AND error_count = 0`,
    [id, digest],
  );
  if (noted.rowCount !== 1) throw cancelledFault(id);
}

export function cancelledFault(id: string): Fault {
  return new Fault('BATCH_CANCELLED', `batch ${id} was cancelled; nothing of it is in`);
}

export function isCancelled({ state, errors }: BatchStatus): boolean {
  return state === 'rejected' && errors[0]?.reason === cancelled[0]?.reason;
}

/**
 * One that is under way does not commit any more, whichever node has it: its session ends. One that is just committing is waited for.
 */
export async function cancelBatch(pool: Pool, id: string): Promise<void> {
  await pool.query(`UPDATE tributary_batches SET errors = $2, error_count = 1 WHERE id = $1 AND ${underWay}`, [
    id,
    JSON.stringify(cancelled),
  ]);
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32 | objid::bigint) = ${lockOf('$1')}`,
    [id],
  );
}

/** Nothing of it is in: rejected where there are errors, else checked, which a dry run is. */
export async function noteNotIn(client: ClientBase, id: string, rows: number, errors: FoundErrors): Promise<void> {
  await client.query(
    `UPDATE tributary_batches SET state = $5, rows = $2, error_count = $3, errors = $4, ended_at = clock_timestamp()
     WHERE id = $1 AND ${underWay}`,
    [id, rows, errors.count, JSON.stringify(errors.first), errors.count > 0 ? 'rejected' : 'checked'],
  );
}

/** By its id, or by the key that it was sent with, the last one then. */
export type BatchName = { readonly id: string } | { readonly key: string };

/** As it is: where its owner has gone, it has ended. Undefined where there is none. */
export async function readBatch(client: ClientBase, bulk: string, name: BatchName): Promise<BatchStatus | undefined> {
  const found = await selectBatch(client, bulk, name);
  if (found?.state !== 'receiving' && found?.state !== 'validating') return found;
  await rejectAbandoned(client);
  return selectBatch(client, bulk, { id: found.id });
}

async function selectBatch(client: ClientBase, bulk: string, name: BatchName): Promise<BatchStatus | undefined> {
  const [is, value] = 'id' in name ? ['id = $2', name.id] : ['coalesce(idempotency_key, dry_run_key) = $2', name.key];
  const found = await client.query<BatchStatus>(
    `SELECT ${columns} FROM tributary_batches WHERE bulk = $1 AND ${is} ORDER BY received_at DESC LIMIT 1`,
    [bulk, value],
  );
  return found.rows[0];
}

/** So that who comes after a long time does not pay for all of it. */
const maxForgotten = 1_000;

/** Statuses of batches that ended so long ago, whatever table they were for, and with them their keys. */
export async function forgetEnded(pool: Pool, beforeDays: number): Promise<void> {
  await pool.query(
    `DELETE FROM tributary_batches WHERE id IN (
       SELECT id FROM tributary_batches WHERE ended_at < clock_timestamp() - $1 * interval '1 day'
       ORDER BY ended_at LIMIT ${maxForgotten} FOR UPDATE SKIP LOCKED)`,
    [beforeDays],
  );
}

/**
 * What committed batches have put into their table is there no more: whoever sends one again under its key means it to go in. In the
 * transaction that has taken the rows away, and behind that, so that no batch commits between the two.
 * @param schema of the table
 */
export async function freeKeys(client: ClientBase, bulk: string, schema: string): Promise<void> {
  const statuses = `${escapeIdentifier(schema)}.tributary_batches`;
  const found = await client.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [statuses]);
  if (!found.rows[0]?.is) return; // no batch has come yet
  await client.query(
    `UPDATE ${statuses} SET idempotency_key = NULL WHERE bulk = $1 AND state = 'committed' AND idempotency_key IS NOT NULL`,
    [bulk],
  );
}
