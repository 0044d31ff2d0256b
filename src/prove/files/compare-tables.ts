/**
 * Current state and history, as a plain fold over all events gives them, against the tables. The fold is a query over all of them at once, so that
 * what merges batch by batch is not what it is compared with.
 */
import type { Pool, PoolClient } from 'pg';
import { escapeIdentifier as quoted } from 'pg';
import type { RowValues } from '../../pipeline/columns.ts';
import type { DimensionSink, Pipeline } from '../../pipeline/pipeline.ts';
import { quotedTable } from '../../pipeline/row-tables.ts';
import { namesOf, typeNames } from '../../sinks/postgres/table-statements.ts';
import type { LoggedEvent } from './judge.ts';

export interface TablesFound {
  readonly lost: string[];
  readonly twice: string[];
  readonly wrong: string[];
}

const chunkRows = 20_000;

export async function compareTables(
  pool: Pool,
  { sinks }: Pipeline,
  events: readonly LoggedEvent[],
): Promise<TablesFound> {
  const found: TablesFound = { lost: [], twice: [], wrong: [] };
  const client = await pool.connect();
  try {
    for (const sink of sinks as readonly DimensionSink<object>[]) {
      const rows = events.map(({ output }) => sink.row(output)).filter((row) => row !== undefined);
      await fill(client, sink, rows);
      await compareWith(client, foldedCurrent(sink), sink, sink.key, found);
      if (sink.history === undefined) continue;
      const history = { ...sink, name: sink.history };
      await compareWith(client, foldedHistory(sink), history, [...sink.key, ...sink.order], found);
    }
  } finally {
    client.release(true); // with its temporary tables
  }
  return found;
}

async function fill(client: PoolClient, { columns }: DimensionSink<object>, rows: readonly RowValues[]): Promise<void> {
  const names = Object.keys(columns);
  const types = names.map((name) => typeNames[columns[name]!.type]);
  await client.query('DROP TABLE IF EXISTS pg_temp.logged');
  await client.query(`CREATE TEMPORARY TABLE logged (${names.map((name, i) => `${quoted(name)} ${types[i]}`).join()})`);
  const arrays = names.map((_, i) => `$${i + 1}::text[]`).join();
  const sql = `INSERT INTO pg_temp.logged SELECT ${types.map((type, i) => `s.c${i}::${type}`).join()}
    FROM unnest(${arrays}) AS s(${types.map((_, i) => `c${i}`).join()})`;
  for (let from = 0; from < rows.length; from += chunkRows) {
    const chunk = rows.slice(from, from + chunkRows);
    await client.query(
      sql,
      names.map((name) => chunk.map((row) => row[name])),
    );
  }
}

/** One row for each value of `columns`: the last version or the first; of rows of one version that whose other columns are greater, or smaller. */
function chosen({ columns, key, order, keep }: DimensionSink<object>, by: readonly string[]): string {
  const rest = Object.keys(columns).filter((name) => !key.includes(name) && !order.includes(name));
  const [direction, operator] = keep === 'last' ? ['DESC', '*>'] : ['ASC', '*<'];
  const byRest = rest.length > 0 ? `, ROW(${namesOf(rest)})::record USING ${operator}` : '';
  const byOrder = order.map((name) => `${quoted(name)} ${direction}`).join();
  return `SELECT DISTINCT ON (${namesOf(by)}) * FROM pg_temp.logged ORDER BY ${namesOf(key)}, ${byOrder}${byRest}`;
}

function foldedCurrent(sink: DimensionSink<object>): string {
  return chosen(sink, sink.key);
}

function foldedHistory(sink: DimensionSink<object>): string {
  const { key, order } = sink;
  const from = quoted(order[0] as string);
  const next = `lead(${from}) OVER (PARTITION BY ${namesOf(key)} ORDER BY ${namesOf(order)})`;
  return `SELECT *, ${from} AS valid_from, ${next} AS valid_to, ${next} IS NULL AS is_current
    FROM (${chosen(sink, [...key, ...order])}) v`;
}

interface Difference {
  readonly id: string;
  readonly wanted: number;
  readonly found: number;
}

/** @param identity columns of which no two rows are alike */
async function compareWith(
  client: PoolClient,
  folded: string,
  table: Pick<DimensionSink<object>, 'name' | 'schema'>,
  identity: readonly string[],
  { lost, twice, wrong }: TablesFound,
): Promise<void> {
  const grouped = (rows: string): string =>
    `(SELECT jsonb_build_array(${identity.map((name) => `t.${quoted(name)}`).join()}) AS id, count(*)::int AS n,
      jsonb_agg(to_jsonb(t) ORDER BY t::text) AS rows FROM (${rows}) t GROUP BY 1)`;
  const { rows } = await client.query<Difference>(
    `SELECT id::text, coalesce(w.n, 0) AS wanted, coalesce(f.n, 0) AS found
     FROM ${grouped(folded)} w FULL JOIN ${grouped(`SELECT * FROM ${quotedTable(table)}`)} f USING (id)
     WHERE w.rows IS DISTINCT FROM f.rows ORDER BY 1`,
  );
  for (const { id, wanted, found } of rows) {
    const name = `${table.name} ${id}`;
    if (found < wanted) lost.push(`${name}: not in the table`);
    else if (wanted === 0) wrong.push(`${name}: in the table, and of no file`);
    else if (found > wanted) twice.push(`${name}: ${found} times in the table`);
    else wrong.push(`${name}: differs from the fold over all files`);
  }
}
