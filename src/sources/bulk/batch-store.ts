/**
 * What is known of each batch, in a table of the same database, so that a batch and its status commit together (D7).
 *
 * While a batch is under way its session holds an advisory lock that is named for it. Where the lock is free and the batch has no end,
 * its owner is dead, and so is its transaction: whoever finds that out first says so, and the key is free again.
 */
import type { ClientBase, Pool } from 'pg';
import type { FoundErrors, RowError } from './row-errors.ts';

export type BatchState = 'receiving' | 'validating' | 'committed' | 'rejected';

export interface BatchStatus {
  readonly id: string;
  readonly state: BatchState;
  readonly rows: number;
  readonly errorCount: number;
  readonly errors: readonly RowError[];
  readonly digest: string | null;
  readonly receivedAt: Date;
  readonly validatingAt: Date | null;
  readonly endedAt: Date | null;
}

const schema = `
  CREATE TABLE IF NOT EXISTS tributary_batches (
    id uuid PRIMARY KEY,
    bulk text NOT NULL,
    idempotency_key text,
    digest text,
    state text NOT NULL CHECK (state IN ('receiving', 'validating', 'committed', 'rejected')),
    rows bigint NOT NULL DEFAULT 0,
    error_count bigint NOT NULL DEFAULT 0,
    errors jsonb NOT NULL DEFAULT '[]',
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    validating_at timestamptz,
    ended_at timestamptz
  );
  CREATE UNIQUE INDEX IF NOT EXISTS tributary_batches_key ON tributary_batches (bulk, idempotency_key) WHERE state <> 'rejected';
  CREATE INDEX IF NOT EXISTS tributary_batches_under_way ON tributary_batches (id) WHERE state IN ('receiving', 'validating')`;

const columns = `id, state, rows::float8 AS rows, error_count::float8 AS "errorCount", errors, digest,
  received_at AS "receivedAt", validating_at AS "validatingAt", ended_at AS "endedAt"`;

/** One number for all processes; a batch's follows from its id. */
const schemaLock = `hashtextextended('tributary: batches', 0)`;
const lockOf = (id: string): string => `hashtextextended('tributary batch ' || ${id}::text, 0)`;

/** Of the row that an unfinished batch leaves. */
const abandoned: readonly RowError[] = [
  { line: null, field: null, value: null, reason: 'the node that took the batch has gone; nothing of it is in' },
];

/** Made where it is missing, which needs no privilege where it is there. */
export async function ensureBatches(client: ClientBase): Promise<void> {
  const found = await client.query<{ is: boolean }>(
    `SELECT to_regclass('tributary_batches_under_way') IS NOT NULL AS is`,
  );
  if (found.rows[0]?.is) return;
  await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${schemaLock}); ${schema}; COMMIT`);
}

export interface NewBatch {
  readonly id: string;
  readonly bulk: string;
  readonly key: string | undefined;
}

/**
 * The batch is under way, and this client's session owns it until it ends.
 * @returns the batch that has the key, where there is one; nothing has begun then
 */
export async function beginBatch(client: ClientBase, { id, bulk, key }: NewBatch): Promise<BatchStatus | undefined> {
  await client.query(`SELECT pg_advisory_lock(${lockOf('$1')})`, [id]);
  for (;;) {
    await rejectAbandoned(client);
    const begun = await client.query(
      `INSERT INTO tributary_batches (id, bulk, idempotency_key, state) VALUES ($1, $2, $3, 'receiving')
       ON CONFLICT (bulk, idempotency_key) WHERE state <> 'rejected' DO NOTHING`,
      [id, bulk, key],
    );
    if (begun.rowCount === 1) return undefined;
    const found = await client.query<BatchStatus>(
      `SELECT ${columns} FROM tributary_batches WHERE bulk = $1 AND idempotency_key = $2 AND state <> 'rejected'`,
      [bulk, key],
    );
    if (found.rows[0]) return found.rows[0]; // else it was rejected in between
  }
}

/** The locks are taken for the statement only. */
async function rejectAbandoned(client: ClientBase | Pool): Promise<void> {
  await client.query(
    `UPDATE tributary_batches SET state = 'rejected', errors = $1, error_count = 1, ended_at = clock_timestamp()
     WHERE state IN ('receiving', 'validating') AND pg_try_advisory_xact_lock(${lockOf('id')})`,
    [JSON.stringify(abandoned)],
  );
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
    `UPDATE tributary_batches SET state = 'committed', digest = $2, ended_at = clock_timestamp() WHERE id = $1 AND state = 'validating'`,
    [id, digest],
  );
  if (noted.rowCount !== 1) throw new Error(`batch ${id} was ended by somebody else`);
}

export async function noteRejected(client: ClientBase, id: string, rows: number, errors: FoundErrors): Promise<void> {
  await client.query(
    `UPDATE tributary_batches SET state = 'rejected', rows = $2, error_count = $3, errors = $4, ended_at = clock_timestamp() WHERE id = $1`,
    [id, rows, errors.count, JSON.stringify(errors.first)],
  );
}

/** As it is: where its owner has gone, it has ended. Undefined where there is none. */
export async function readBatch(pool: Pool, bulk: string, id: string): Promise<BatchStatus | undefined> {
  const found = await selectBatch(pool, bulk, id);
  if (found?.state !== 'receiving' && found?.state !== 'validating') return found;
  await rejectAbandoned(pool);
  return selectBatch(pool, bulk, id);
}

async function selectBatch(pool: Pool, bulk: string, id: string): Promise<BatchStatus | undefined> {
  const found = await pool.query<BatchStatus>(`SELECT ${columns} FROM tributary_batches WHERE bulk = $1 AND id = $2`, [
    bulk,
    id,
  ]);
  return found.rows[0];
}
