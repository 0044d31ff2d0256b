/**
 * The table that a pipeline declares: made at first use, columns NOT NULL, partitioned by range, its indexes under
 * PostgreSQL's default names. One that is there already must have these columns and this partition key; it may have more
 * columns, where these may be left out.
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import { Fault } from '../../errors.ts';
import { underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';
import { indexBody, type Table, tableBody, typeNames } from './table-statements.ts';

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
    const key = await partitionKey(client, table);
    if (key === undefined) await create(client, table);
    else await compare(client, table, key);
  });
}

/** How it is partitioned; empty where it is not; undefined where there is no such table. */
async function partitionKey(client: ClientBase, { name }: Table): Promise<string | undefined> {
  const found = await client.query<{ key: string | null }>(
    `SELECT pg_get_partkeydef(c.oid) AS key FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [escapeIdentifier(name)],
  );
  const row = found.rows[0];
  return row && (row.key ?? '');
}

async function create(client: ClientBase, table: Table): Promise<void> {
  const { name, indexes } = table;
  try {
    await client.query(`CREATE TABLE ${escapeIdentifier(name)} ${tableBody(table)}`);
  } catch (error) {
    if (!isDenied(error)) throw error;
    throw denied(`the table ${name} is missing, and to make it takes USAGE and CREATE on the schema`, error);
  }
  for (const index of indexes) await client.query(`CREATE INDEX ${indexBody(name, index)}`);
}

async function compare(client: ClientBase, table: Table, key: string): Promise<void> {
  const { column } = table.partitionBy;
  if (key !== `RANGE (${column})` && key !== `RANGE (${escapeIdentifier(column)})`)
    throw differs(table, `it is ${key === '' ? 'not partitioned' : `partitioned by ${key}`}, not by RANGE (${column})`);
  const found = new Map((await existingColumns(client, table)).map((existing) => [existing.name, existing]));
  for (const [name, { type }] of Object.entries(table.columns)) {
    const existing = found.get(name);
    if (!existing) throw differs(table, `it has no column ${name}`);
    if (existing.type !== typeNames[type])
      throw differs(table, `column ${name} is of type ${existing.type}, not ${typeNames[type]}`);
    if (!existing.notNull) throw differs(table, `column ${name} is not NOT NULL`);
    found.delete(name);
  }
  for (const { name, canBeLeftOut } of found.values())
    if (!canBeLeftOut)
      throw differs(table, `column ${name}, which the pipeline does not declare, must not be left out`);
}

async function existingColumns(client: ClientBase, { name }: Table): Promise<readonly ExistingColumn[]> {
  const found = await client.query<ExistingColumn>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS "notNull",
            NOT attnotnull OR atthasdef OR attidentity <> '' AS "canBeLeftOut"
     FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [escapeIdentifier(name)],
  );
  return found.rows;
}

function differs({ name }: Table, how: string): Fault {
  return new Fault('WAREHOUSE_TABLE_DIFFERS', `table ${name} differs from what the pipeline declares: ${how}`);
}
