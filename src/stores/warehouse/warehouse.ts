/**
 * A real PostgreSQL, 13 or newer: embedded in the data directory, or a server by URL. Both are reached through a pool
 * of `pg`; what differs is only who starts it.
 */
import type { Pool, PoolClient } from 'pg';

export interface Warehouse {
  /** Idle clients' errors are handled; a query on a server that went away rejects, and the next one reconnects. */
  readonly pool: Pool;
  /** A client of the pool's whose connection has been asked whether it is still one. */
  lend(): Promise<PoolClient>;
  /** A connection string for psql and other tools; carries a password only where the user's own URL did. */
  readonly url: string;
  close(): Promise<void>;
}
