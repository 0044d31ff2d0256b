/**
 * The tables of a dataset, made and filled in one transaction: whoever reads sees what was there before until it commits, and a load
 * that fails or is killed leaves nothing. Keys and indexes are made when the rows are in, which takes a fraction of the time.
 */
import { type Readable as ReadableStream, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientBase, DatabaseError, escapeIdentifier as quoted } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Fault } from '../errors.ts';
import type { Dataset, DatasetTable } from '../pipeline/dataset.ts';
import { underLock } from '../sinks/postgres/advisory-lock.ts';
import { denied, isDenied } from '../sinks/postgres/privileges.ts';
import { freeKeys } from '../sources/bulk/batch-store.ts';
import type { CopyBlock } from './read-dump.ts';

export interface LoadOptions {
  readonly dataset: Dataset;
  readonly blocks: AsyncIterable<CopyBlock>;
  /** Tables that are there already are dropped; else they are refused. */
  readonly replace: boolean;
  /** Whose batches go into one of the tables. Default: none do. */
  readonly bulk?: string | undefined;
}

/** Where tables are loaded that take the place of others. */
const besides = quoted('tributary_loading');

/**
 * How many rows each table has.
 * @throws Fault WAREHOUSE_TABLE_EXISTS, DUMP_INVALID, WAREHOUSE_DENIED
 */
export async function loadDataset(client: ClientBase, options: LoadOptions): Promise<ReadonlyMap<string, number>> {
  try {
    return await underLock(client, 'load a dataset', () => load(client, options));
  } catch (error) {
    if (isDenied(error))
      throw denied('to load tables takes CREATE on the schema, with --replace on the database', error);
    throw error;
  }
}

async function load(
  client: ClientBase,
  { dataset: { tables }, blocks, replace, bulk }: LoadOptions,
): Promise<ReadonlyMap<string, number>> {
  await client.query('SET LOCAL statement_timeout = 0');
  const existing = await existingAmong(client, tables);
  if (existing.length > 0 && !replace)
    throw new Fault('WAREHOUSE_TABLE_EXISTS', `the warehouse has ${existing.join(', ')} already`);
  const schema = await currentSchema(client);
  if (existing.length > 0) await client.query(`CREATE SCHEMA ${besides}; SET LOCAL search_path = ${besides}`);
  for (const table of tables) await client.query(`CREATE TABLE ${quoted(table.name)} (${columnsOf(table)})`);
  const counts = await copyAll(client, tables, blocks);
  await addKeys(client, tables);
  for (const { name } of tables) await client.query(`ANALYZE ${quoted(name)}`);
  if (existing.length > 0) {
    await takePlace(client, { tables, existing, schema });
    if (bulk !== undefined) await freeKeys(client, bulk, schema);
  }
  return counts;
}

async function existingAmong(client: ClientBase, tables: Dataset['tables']): Promise<readonly string[]> {
  const found = await client.query<{ name: string }>(
    'SELECT name FROM unnest($1::text[], $2::text[]) AS wanted (name, quoted) WHERE to_regclass(quoted) IS NOT NULL',
    [tables.map(({ name }) => name), tables.map(({ name }) => quoted(name))],
  );
  return found.rows.map(({ name }) => name);
}

/** @throws Fault WAREHOUSE_DENIED where the search_path leads nowhere */
async function currentSchema(client: ClientBase): Promise<string> {
  const found = await client.query<{ name: string | null }>('SELECT current_schema() AS name');
  const name = found.rows[0]?.name ?? undefined;
  if (name !== undefined) return name;
  throw new Fault('WAREHOUSE_DENIED', 'there is no schema on the search_path that our role may use');
}

function columnsOf({ columns }: DatasetTable): string {
  return Object.entries(columns)
    .map(([name, type]) => `${quoted(name)} ${type}`)
    .join(', ');
}

async function copyAll(
  client: ClientBase,
  tables: Dataset['tables'],
  blocks: AsyncIterable<CopyBlock>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const block of blocks) {
    const table = tables.find(({ name }) => name === block.table);
    checkBlock(block, table, counts.has(block.table));
    counts.set(block.table, await copyBlock(client, block));
  }
  const missing = tables.map(({ name }) => name).filter((name) => !counts.has(name));
  if (missing.length > 0) throw new Fault('DUMP_INVALID', `the file has no rows of ${missing.join(', ')}`);
  return counts;
}

function checkBlock(
  { table: name, columns, line }: CopyBlock,
  table: DatasetTable | undefined,
  isTwice: boolean,
): void {
  const wrong = (what: string): Fault => new Fault('DUMP_INVALID', `line ${line}: ${what}`);
  if (!table) throw wrong(`there is no table ${JSON.stringify(name)} in this dataset`);
  if (isTwice) throw wrong(`the rows of ${name} come a second time`);
  const expected = Object.keys(table.columns);
  if (columns.toSorted().join() !== expected.toSorted().join())
    throw wrong(`the columns of ${name} are ${JSON.stringify(columns)}; expected ${JSON.stringify(expected)}`);
}

/** Nobody else sees the table before all of it is there: rows that are frozen at once need no vacuum, and no look at the table by its index. */
async function copyBlock(client: ClientBase, { table, columns, rows, line }: CopyBlock): Promise<number> {
  const names = columns.map((name) => quoted(name)).join(', ');
  const copy = client.query(copyFrom(`COPY ${quoted(table)} (${names}) FROM STDIN (FREEZE)`));
  try {
    await pipeline(readable(rows), copy);
    return copy.rowCount ?? 0;
  } catch (error) {
    throw explained(error, line);
  }
}

function readable(rows: AsyncIterable<Buffer>): ReadableStream {
  return Readable.from(rows, { objectMode: false });
}

/** What PostgreSQL says of a row, with the line of the file: it counts from the first row. */
function explained(error: unknown, copyLine: number): unknown {
  if (!(error instanceof DatabaseError) || !/^2[23]/.test(error.code ?? '')) return error;
  const row = Number(/, line (\d+)/.exec(error.where ?? '')?.[1]);
  const where = row >= 1 ? `line ${copyLine + row}` : `the rows that follow line ${copyLine}`;
  return new Fault('DUMP_INVALID', `${where}: ${error.message}`, { cause: error });
}

async function addKeys(client: ClientBase, tables: Dataset['tables']): Promise<void> {
  for (const { name, constraints } of tables)
    for (const [constraint, body] of Object.entries(constraints))
      await addConstraint(client, `ALTER TABLE ${quoted(name)} ADD CONSTRAINT ${quoted(constraint)} ${body}`);
  for (const { name, indexes } of tables)
    for (const [index, body] of Object.entries(indexes))
      await client.query(`CREATE INDEX ${quoted(index)} ON ${quoted(name)} ${body}`);
}

async function addConstraint(client: ClientBase, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !error.code?.startsWith('23')) throw error;
    throw new Fault('DUMP_INVALID', `${error.message}: ${error.detail ?? ''}`, { cause: error });
  }
}

interface Places {
  readonly tables: Dataset['tables'];
  readonly existing: readonly string[];
  readonly schema: string;
}

/** Readers wait from here to the commit, which follows. */
async function takePlace(client: ClientBase, { tables, existing, schema }: Places): Promise<void> {
  const old = existing.map((name) => `${quoted(schema)}.${quoted(name)}`);
  await lockAll(client, old);
  await client.query(`DROP TABLE ${old.join(', ')}`);
  for (const { name } of tables) await client.query(`ALTER TABLE ${quoted(name)} SET SCHEMA ${quoted(schema)}`);
  await client.query(`DROP SCHEMA ${besides}`);
}

/** Three of them are less than the second after which PostgreSQL ends one of those who wait for each other. */
const lockWithinMs = 200;

/**
 * Each statement locks the tables in an order of its own: a read that is prepared begins with those of its FROM, a batch with those that
 * it refers to. Who holds one and waits for another while this holds that one would wait for ever. So this lets go of all after a
 * moment, and begins again, from the other end.
 */
async function lockAll(client: ClientBase, tables: readonly string[]): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${lockWithinMs}`);
  for (let order = tables; ; order = order.toReversed()) {
    await client.query('SAVEPOINT before_locks');
    try {
      await client.query(`LOCK TABLE ${order.join(', ')} IN ACCESS EXCLUSIVE MODE`);
      break;
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== lockNotAvailable) throw error;
    }
    await client.query('ROLLBACK TO SAVEPOINT before_locks');
    await sleep(lockWithinMs);
  }
  await client.query('SET LOCAL lock_timeout TO DEFAULT');
}

const lockNotAvailable = '55P03';
