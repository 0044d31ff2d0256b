/**
 * What the dashboards must show, by the contract's own SQL over the raw events that are in the objects: in PostgreSQL, in a table that is
 * gone afterwards.
 */
import type { Pool, PoolClient } from 'pg';
import { allTime, type DashboardRow, type Range, symbols } from './dashboard.ts';
import type { RawEvent } from './raw-events.ts';

const chunkRows = 20_000;

const makeTable = `
  CREATE TEMP TABLE raw_signals (uuid uuid NOT NULL, symbol text, kind text NOT NULL, time timestamp NOT NULL)`;

const insert = `
  INSERT INTO raw_signals
  SELECT uuid, symbol, kind, time AT TIME ZONE 'UTC'
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS sent(uuid, symbol, kind, time)`;

const makeIndex = `CREATE INDEX ON raw_signals (uuid)`;

const dashboard = `
  SELECT symbol,
    (SELECT count(*)::int FROM initials WHERE initials.symbol = listed.symbol) AS count,
    (SELECT to_char(min(time), $4) FROM initials WHERE initials.symbol = listed.symbol) AS earliest,
    (SELECT to_char(max(time), $4) FROM initials WHERE initials.symbol = listed.symbol) AS latest,
    (SELECT count(*)::int FROM initials JOIN raw_signals AS followups USING (uuid)
      WHERE initials.symbol = listed.symbol AND followups.kind = 'followup') AS followups
  FROM unnest($1::text[]) AS listed(symbol)
  ORDER BY symbol COLLATE "C"`;

const inRange = `
  WITH initials AS (
    SELECT * FROM raw_signals WHERE kind = 'initial' AND time >= $2::timestamp AND time < $3::timestamp)`;

const timeFormat = 'YYYY-MM-DD HH24:MI:SS.US';

export class Reference {
  readonly #client: PoolClient;

  private constructor(client: PoolClient) {
    this.#client = client;
  }

  static async over(events: readonly RawEvent[], pool: Pool): Promise<Reference> {
    const client = await pool.connect();
    try {
      await client.query(makeTable);
      for (let from = 0; from < events.length; from += chunkRows) {
        const chunk = events.slice(from, from + chunkRows);
        const columns = (['uuid', 'symbol', 'kind', 'time'] as const).map((name) => chunk.map((event) => event[name]));
        await client.query(insert, columns);
      }
      await client.query(makeIndex);
      await client.query('ANALYZE raw_signals');
      return new Reference(client);
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** A row for each symbol, a to z. */
  async rows({ lower, upper }: Range = allTime): Promise<readonly DashboardRow[]> {
    const { rows } = await this.#client.query<DashboardRow>(inRange + dashboard, [symbols, lower, upper, timeFormat]);
    return rows.map(({ count, symbol, earliest, latest, followups }) => ({
      count,
      symbol,
      earliest,
      latest,
      followups,
    }));
  }

  /** The connection goes, and the table with it. */
  close(): void {
    this.#client.release(true);
  }
}
