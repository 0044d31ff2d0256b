/** The tables of rates in a database of their own, on a real PostgreSQL, and what is asked of them as the server asks. */
import type { TestContext } from 'node:test';
import type { Pool } from 'pg';
import type { SampleRow, Sql } from 'tributary';
import { dataset } from '../../../apps/rates/dataset.ts';
import { app } from '../../../apps/rates/rates.ts';
import { loadDataset } from '../../../src/dataset/load-dataset.ts';
import { sampleBlocks } from '../../../src/dataset/sample-blocks.ts';
import { openReadOnlyQueries } from '../../../src/stores/warehouse/read-only-queries.ts';
import { openServerWarehouse } from '../../../src/stores/warehouse/server-warehouse.ts';
import { newDatabase } from '../../../src/testing/postgres.ts';
import { httpRequest, type Reply } from '../../support/http-request.ts';
import { serveRoutes } from '../../support/routes-server.ts';
import type { RatesTables } from './expected-rates.ts';

export interface RatesDatabase {
  /** Of the database, for other programs. */
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly sql: Sql;
  /** In place of what is there. */
  readonly load: (tables: RatesTables) => Promise<void>;
  /** `GET /rates?<query>`. */
  readonly get: (query: string | Readonly<Record<string, string>>) => Promise<Reply>;
}

/** Dropped after the test. */
export async function ratesDatabase(t: TestContext): Promise<RatesDatabase> {
  const database = await newDatabase();
  t.after(() => database.drop());
  const warehouse = await openServerWarehouse({ url: database.url });
  t.after(() => warehouse.close());
  const queries = openReadOnlyQueries(() => warehouse);
  t.after(() => queries.close());
  const { url } = await serveRoutes(t, { routes: app.routes ?? [], sql: queries.sql });
  return {
    databaseUrl: database.url,
    pool: warehouse.pool,
    sql: queries.sql,
    load: async (tables) => {
      const client = await warehouse.pool.connect();
      const blocks = sampleBlocks({ ...dataset, sample: () => rowsOf(tables) }, { rows: 0, seed: 0 });
      await loadDataset(client, { dataset, blocks, replace: true }).finally(() => client.release());
    },
    get: (query) =>
      httpRequest(`${url}/rates?${typeof query === 'string' ? query : String(new URLSearchParams(query))}`),
  };
}

function rowsOf({ regions, ports, prices }: RatesTables): readonly SampleRow[] {
  return [
    ...regions.map(({ slug, parent }) => ({ table: 'regions', values: [slug, slug, parent] })),
    ...ports.map(({ code, region }) => ({ table: 'ports', values: [code, code, region] })),
    ...prices.map(({ orig, dest, day, price }) => ({ table: 'prices', values: [orig, dest, day, price] })),
  ];
}

export async function readTables(pool: Pool): Promise<RatesTables> {
  const regions = await pool.query<RatesTables['regions'][number]>('SELECT slug, parent_slug AS parent FROM regions');
  const ports = await pool.query<RatesTables['ports'][number]>('SELECT code, parent_slug AS region FROM ports');
  const prices = await pool.query<RatesTables['prices'][number]>(
    'SELECT orig_code AS orig, dest_code AS dest, day::text, price FROM prices',
  );
  return { regions: regions.rows, ports: ports.rows, prices: prices.rows };
}
