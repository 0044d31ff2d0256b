/**
 * The table that a pipeline declares: made at first use, columns NOT NULL, partitioned by range, its indexes under
 * PostgreSQL's default names. One that is there already must have these columns and this partition key; it may have more
 * columns, where these may be left out.
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { Fault } from '../../errors.ts';
import { lockText, underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';
import { indexBody, type Table, tableBody, typeNames } from './table-statements.ts';
import { quotedTable } from '../../pipeline/row-tables.ts';

/** What PostgreSQL keeps of a name, in bytes, less what the partition of a month adds: `_YYYY_MM`. */
const maxTableNameBytes = 63 - 8;

interface ExistingColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly canBeLeftOut: boolean;
}

/** @throws Fault WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED, PIPELINE_INVALID */
export async function ensureTable(client: ClientBase, table: Table): Promise<void> {
  if (Buffer.byteLength(table.name) > maxTableNameBytes)
    throw new Fault('PIPELINE_INVALID', `the table name ${table.name} is longer than ${maxTableNameBytes} bytes`);
  await underLock(client, table.name, async () => {
    if (table.schema !== undefined) await ensureSchema(client, table.schema);
    const key = await partitionKey(client, table);
    if (key === undefined) await create(client, table);
    else await compare(client, table, key);
  });
}

/** How it is partitioned; empty where it is not; undefined where there is no such table. */
async function partitionKey(client: ClientBase, table: Table): Promise<string | undefined> {
  const found = await client.query<{ key: string | null }>(
    `SELECT pg_get_partkeydef(c.oid) AS key FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [quotedTable(table)],
  );
  const row = found.rows[0];
  return row && (row.key ?? '');
}

/** Under a lock that others who make a table of it do not hold: they may be first. */
async function ensureSchema(client: ClientBase, schema: string): Promise<void> {
  const found = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.rowCount !== 0) return;
  await client.query(lockText(`schema ${schema}`));
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`).catch((error: unknown) => {
    if (!isDenied(error)) throw error;
    throw denied(`the schema ${schema} is missing, and to make it takes CREATE on the database`, error);
  });
}

async function create(client: ClientBase, table: Table): Promise<void> {
  const { name, indexes, oneCurrent } = table;
  try {
    await client.query(`CREATE TABLE ${quotedTable(table)} ${tableBody(table)}`);
  } catch (error) {
    if (!isDenied(error)) throw error;
    throw denied(`the table ${name} is missing, and to make it takes USAGE and CREATE on the schema`, error);
  }
  for (const index of indexes) await client.query(`CREATE INDEX ${indexBody(table, index)}`);
  if (oneCurrent) await client.query(`CREATE UNIQUE INDEX ${indexBody(table, oneCurrent)} WHERE is_current`);
}

async function compare(client: ClientBase, table: Table, key: string): Promise<void> {
  comparePartitions(table, key);
  if (table.primaryKey && !(await hasUniqueIndex(client, table, table.primaryKey)))
    throw differs(table, `it has no primary key (${table.primaryKey.join(', ')})`);
  const found = new Map((await existingColumns(client, table)).map((existing) => [existing.name, existing]));
  for (const [name, { type, nullable = false }] of Object.entries(table.columns)) {
    const existing = found.get(name);
    if (!existing) throw differs(table, `it has no column ${name}`);
    if (existing.type !== typeNames[type])
      throw differs(table, `column ${name} is of type ${existing.type}, not ${typeNames[type]}`);
    if (existing.notNull === nullable) throw differs(table, `column ${name} is ${nullable ? '' : 'not '}NOT NULL`);
    found.delete(name);
  }
  for (const { name, canBeLeftOut } of found.values())
    if (!canBeLeftOut)
      throw differs(table, `column ${name}, which the pipeline does not declare, must not be left out`);
}

function comparePartitions(table: Table, key: string): void {
  const is = key === '' ? 'not partitioned' : `partitioned by ${key}`;
  if (!table.partitionBy) {
    if (key !== '') throw differs(table, `it is ${is}`);
    return;
  }
  const { column } = table.partitionBy;
  if (key === `RANGE (${column})` || key === `RANGE (${escapeIdentifier(column)})`) return;
  throw differs(table, `it is ${is}, not by RANGE (${column})`);
}

/** One by which conflicts are found: of all rows, on these columns and no others, checked at once. */
async function hasUniqueIndex(client: ClientBase, table: Table, columns: readonly string[]): Promise<boolean> {
  const found = await client.query(
    `SELECT FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
       AND ARRAY(SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (n, at)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
                 WHERE k.at <= i.indnkeyatts ORDER BY k.at) = $2::text[]`,
    [quotedTable(table), columns],
  );
  return found.rowCount !== 0;
}

async function existingColumns(client: ClientBase, table: Table): Promise<readonly ExistingColumn[]> {
  const found = await client.query<ExistingColumn>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS "notNull",
            NOT attnotnull OR atthasdef OR attidentity <> '' AS "canBeLeftOut"
     FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [quotedTable(table)],
  );
  return found.rows;
}

function differs({ name }: Table, how: string): Fault {
  return new Fault('WAREHOUSE_TABLE_DIFFERS', `table ${name} differs from what the pipeline declares: ${how}`);
}
