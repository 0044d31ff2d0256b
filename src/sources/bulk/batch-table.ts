/** The table in which batches have their status, made where it is missing by whoever comes first. */
import type { ClientBase } from 'pg';

/** What a role needs on it. */
export const batchPrivileges = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

const states = `CHECK (state IN ('receiving', 'validating', 'committed', 'checked', 'rejected'))`;

/** A dry run has no idempotency key: that it would be good for does not keep the rows themselves from going in. */
export const createBatches: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS tributary_batches (
    id uuid PRIMARY KEY,
    bulk text NOT NULL,
    idempotency_key text,
    digest text,
    state text NOT NULL ${states},
    rows bigint NOT NULL DEFAULT 0,
    error_count bigint NOT NULL DEFAULT 0,
    errors jsonb NOT NULL DEFAULT '[]',
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    validating_at timestamptz,
    ended_at timestamptz,
    dry_run_key text,
    dry_run boolean NOT NULL DEFAULT false
  )`,
  // Those that were made before there were dry runs.
  `ALTER TABLE tributary_batches ADD COLUMN IF NOT EXISTS dry_run_key text,
    ADD COLUMN IF NOT EXISTS dry_run boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT IF EXISTS tributary_batches_state_check, ADD CONSTRAINT tributary_batches_state_check ${states}`,
  `CREATE UNIQUE INDEX IF NOT EXISTS tributary_batches_key ON tributary_batches (bulk, idempotency_key) WHERE state <> 'rejected'`,
  `CREATE INDEX IF NOT EXISTS tributary_batches_under_way ON tributary_batches (id) WHERE state IN ('receiving', 'validating')`,
  `CREATE INDEX IF NOT EXISTS tributary_batches_sent_key ON tributary_batches (bulk, coalesce(idempotency_key, dry_run_key), received_at)`,
  'CREATE INDEX IF NOT EXISTS tributary_batches_ended ON tributary_batches (ended_at)',
];

/** What of it was made last. */
const newest = 'tributary_batches_ended';
/** One number for all processes. */
const lock = `hashtextextended('tributary: batches', 0)`;

/** Takes no privilege where it is there as it has to be. */
export async function ensureBatches(client: ClientBase): Promise<void> {
  const found = await client.query<{ is: boolean }>(`SELECT to_regclass('${newest}') IS NOT NULL AS is`);
  if (found.rows[0]?.is) return;
  await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lock}); ${createBatches.join('; ')}; COMMIT`);
}
