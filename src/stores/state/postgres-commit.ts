/**
 * A commit as one request of several statements, which PostgreSQL runs in one transaction: first the lock, so that the next statement sees
 * what was committed before it, whatever a database or role has as its default isolation. Such a request has no parameters; keys and values stand in it as hexadecimal digits, which need no quoting.
 */
import { keyBytes } from './state-key.ts';
import type { StateChange, StatePut } from './state-store.ts';

const lock = `SELECT pg_advisory_xact_lock(hashtextextended('tributary: tributary_state', 0));`;

/** `bytea`: text holds no NUL, and is in no order that all databases share. */
export const stateTable = [
  'CREATE TABLE IF NOT EXISTS tributary_state (key bytea PRIMARY KEY, value bytea NOT NULL, expires_at_ms bigint)',
  'CREATE INDEX IF NOT EXISTS tributary_state_expiry ON tributary_state (expires_at_ms) WHERE expires_at_ms IS NOT NULL',
] as const;

export const createText = `${lock}\n${stateTable.join(';\n')}`;

const nowMs = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;
const isLive = `(expires_at_ms IS NULL OR expires_at_ms >= ${nowMs})`;
const sweptPerCommit = 32;
/** After Unix milliseconds that a `bigint` holds. */
const never = 2 ** 53;

/** A query to go on with ` AND ...`. */
export const liveRows = `SELECT key, value FROM tributary_state WHERE ${isLive}`;

/** Of its third statement the only row tells whether it was `ok`. */
export function commitText({ expect = [], delete: deleted = [], put = [] }: StateChange): string {
  const puts = new Map(put.map((one) => [one.key, one])); // the last one counts
  const gone = deleted.filter((key) => !puts.has(key));
  const parts = [`holds AS MATERIALIZED (SELECT ${holdsText(expect)} AS ok)`];
  if (gone.length > 0)
    parts.push(
      `gone AS (DELETE FROM tributary_state WHERE key IN (${gone.map(keyText).join()}) AND (SELECT ok FROM holds))`,
    );
  if (puts.size > 0) parts.push(putText([...puts.values()]));
  const sweep = put.some(({ expiresAtMs }) => expiresAtMs !== undefined) ? sweepText(2 * put.length) : '';
  return `SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ${lock} WITH ${parts.join(', ')} SELECT ok FROM holds; ${sweep}`;
}

function holdsText(expect: NonNullable<StateChange['expect']>): string {
  if (expect.length === 0) return 'true';
  const rows = expect.map(({ key, value }) => `(${keyText(key)}, ${value ? bytesText(value) : 'NULL::bytea'})`);
  return `NOT EXISTS (SELECT FROM (VALUES ${rows.join()}) AS expected (key, value)
    LEFT JOIN tributary_state AS actual ON actual.key = expected.key AND ${isLive}
    WHERE actual.value IS DISTINCT FROM expected.value)`;
}

function putText(puts: readonly StatePut[]): string {
  const rows = puts.map(
    ({ key, value, expiresAtMs }) => `(${keyText(key)}, ${bytesText(value)}, ${msText(expiresAtMs)})`,
  );
  return `kept AS (INSERT INTO tributary_state (key, value, expires_at_ms)
    SELECT * FROM (VALUES ${rows.join()}) AS put WHERE (SELECT ok FROM holds)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms)`;
}

/** A few that have expired, more than were added. */
function sweepText(added: number): string {
  return `DELETE FROM tributary_state WHERE key IN (SELECT key FROM tributary_state WHERE expires_at_ms < ${nowMs}
    ORDER BY expires_at_ms LIMIT ${sweptPerCommit + added})`;
}

function keyText(key: string): string {
  return bytesText(keyBytes(key));
}

function bytesText(bytes: Uint8Array): string {
  return `decode('${Buffer.from(bytes).toString('hex')}', 'hex')`;
}

function msText(expiresAtMs: number | undefined): string {
  if (expiresAtMs === undefined || !(expiresAtMs < never)) return 'NULL::bigint';
  return `${Math.max(0, Math.floor(expiresAtMs))}::bigint`;
}
