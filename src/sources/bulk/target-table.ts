/** What PostgreSQL says of the table that takes batches: its unique keys, and whether its foreign keys are those that are declared. */
import { type ClientBase, escapeIdentifier } from 'pg';
import { Fault } from '../../errors.ts';
import type { Bulk } from '../../pipeline/bulk.ts';
import { columnReader } from './column-values.ts';

export interface UniqueKey {
  readonly isPrimary: boolean;
  readonly columns: readonly string[];
}

export interface TargetTable {
  /** Of declared columns alone: no other can be hurt by a batch that does not name its columns. */
  readonly uniqueKeys: readonly UniqueKey[];
  /** Whether the checks of a batch do all that the table's triggers would, and our role may leave them out. */
  readonly canSkipTriggers: boolean;
  /** Whether a COPY into it does what an insert of the staged rows would: its columns have their types, and triggers are left out. */
  readonly takesCopies: boolean;
}

/** @throws Fault WAREHOUSE_TABLE_MISSING, WAREHOUSE_TABLE_DIFFERS */
export async function readTargetTable(client: ClientBase, bulk: Bulk): Promise<TargetTable> {
  const table = escapeIdentifier(bulk.table);
  const columns = await columnsOf(client, table);
  if (columns.length === 0) throw new Fault('WAREHOUSE_TABLE_MISSING', `table ${bulk.table} is not there`);
  for (const name of Object.keys(bulk.columns))
    if (!columns.some((column) => column.name === name)) throw differs(bulk, `it has no column ${name}`);
  const uniqueKeys = await uniqueKeysOf(client, table, Object.keys(bulk.columns));
  if (bulk.onConflict === 'upsert' && !uniqueKeys.some(({ isPrimary }) => isPrimary))
    throw differs(bulk, 'it has no primary key of declared columns, by which a row could take the place of another');
  const canSkip = await canSkipTriggers(client, table, bulk);
  return { uniqueKeys, canSkipTriggers: canSkip, takesCopies: canSkip && takesCopies(columns, bulk) };
}

/** As it is, and stays until the transaction ends: a batch takes a while, and a trigger or a key may have come meanwhile. */
export async function lockTargetTable(client: ClientBase, bulk: Bulk): Promise<TargetTable> {
  await client.query(`LOCK TABLE ${escapeIdentifier(bulk.table)} IN ROW EXCLUSIVE MODE`);
  return readTargetTable(client, bulk);
}

interface Column {
  readonly name: string;
  /** In full: a column of another schema's type, or of a domain, has its name. */
  readonly type: string;
  /** An insert may give it a value, and policies for rows say nothing of it. */
  readonly isPlain: boolean;
}

async function columnsOf(client: ClientBase, table: string): Promise<readonly Column[]> {
  const found = await client.query<Column>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type,
            attidentity <> 'a' AND attgenerated = '' AND NOT relrowsecurity AS "isPlain"
     FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  return found.rows;
}

/** A COPY casts no value, takes the place of none, cannot be held to policies for rows, and sets columns that an insert may not. */
function takesCopies(found: readonly Column[], { columns, onConflict }: Bulk): boolean {
  if (onConflict !== 'insert') return false;
  return Object.entries(columns).every(([name, column]) =>
    found.some((its) => its.name === name && its.isPlain && its.type === columnReader(column).sql),
  );
}

async function uniqueKeysOf(
  client: ClientBase,
  table: string,
  declared: readonly string[],
): Promise<readonly UniqueKey[]> {
  const found = await client.query<UniqueKey>(
    `SELECT i.indisprimary AS "isPrimary", array_agg(a.attname::text ORDER BY k.n) AS columns
     FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
     JOIN pg_attribute a ON a.attrelid = to_regclass($1) AND a.attnum = k.attnum
     WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND k.n <= i.indnkeyatts
     GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC, i.indexrelid`,
    [table],
  );
  return found.rows.filter(({ columns }) => columns.every((name) => declared.includes(name)));
}

/**
 * `session_replication_role = replica` leaves out every trigger and rule of a table. That changes nothing where its only triggers are
 * those of foreign keys that are declared, each proved by a join and held by locks, and nothing else is checked by a trigger: no
 * deferred key, no partition with keys of its own, and with upsert no key of another table that refers to a row which changes. A value
 * that a column of another type cuts short on its way in (`name`, `varchar(5)`) is not the one that was proved, and a table that others
 * inherit shows their rows, which a foreign key does not see: there the triggers have to say.
 */
async function canSkipTriggers(client: ClientBase, table: string, bulk: Bulk): Promise<boolean> {
  if (!(await maySkipTriggers(client))) return false;
  const found = await client.query<{ plain: boolean; referred: boolean }>(
    `SELECT c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relispartition AND NOT c.relhassubclass
              AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
              AND NOT EXISTS (SELECT FROM pg_constraint d WHERE d.conrelid = c.oid AND d.condeferrable) AS plain,
            EXISTS (SELECT FROM pg_constraint r WHERE r.confrelid = c.oid AND r.contype = 'f') AS referred
     FROM pg_class c WHERE c.oid = to_regclass($1)`,
    [table],
  );
  const [row] = found.rows;
  if (!row?.plain || (row.referred && bulk.onConflict === 'upsert')) return false;
  const keys = await foreignKeysOf(client, table, bulk);
  return keys.every((key) => key.isPlain && bulk.references.some((reference, place) => isSame(key, reference, place)));
}

/** Superusers, and from PostgreSQL 15 on those to whom it is granted: `GRANT SET ON PARAMETER session_replication_role TO ...`. */
async function maySkipTriggers(client: ClientBase): Promise<boolean> {
  const found = await client.query<{ version: string; superuser: boolean }>(
    `SELECT current_setting('server_version_num') AS version, rolsuper AS superuser FROM pg_roles WHERE rolname = current_user`,
  );
  const [row] = found.rows;
  if (row?.superuser || !(Number(row?.version) >= 150_000)) return row?.superuser === true;
  const granted = await client.query<{ is: boolean }>(
    `SELECT has_parameter_privilege('session_replication_role', 'SET') AS is`,
  );
  return granted.rows[0]?.is === true;
}

/** The names of columns by their numbers, in their order. */
function named(keys: string, of: string): string {
  return `(SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(${keys}) WITH ORDINALITY AS k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = ${of} AND a.attnum = k.attnum)`;
}

/** Which column leads to which, in whatever order they are told. */
function pairs(ours: readonly string[], theirs: readonly string[]): string {
  return ours
    .map((name, i) => `${name} ${theirs[i]}`)
    .toSorted()
    .join();
}

interface ForeignKey {
  readonly columns: readonly string[];
  /** Whether it leads to the table that a reference of that place in the declaration names. */
  readonly leadsTo: readonly boolean[];
  readonly theirs: readonly string[];
  /** A value is the same on both sides, and rows of no other table are found among those that are referred to. */
  readonly isPlain: boolean;
}

async function foreignKeysOf(client: ClientBase, table: string, { references }: Bulk): Promise<readonly ForeignKey[]> {
  const found = await client.query<ForeignKey>(
    `SELECT ARRAY(SELECT f.confrelid = to_regclass(name) FROM unnest($2::text[]) WITH ORDINALITY AS r (name, n) ORDER BY n) AS "leadsTo",
            ${named('f.conkey', 'f.conrelid')} AS columns, ${named('f.confkey', 'f.confrelid')} AS theirs,
            (p.relkind = 'p' OR NOT p.relhassubclass) AND NOT EXISTS (
              SELECT FROM unnest(f.conkey, f.confkey) AS k (ours, theirs)
              JOIN pg_attribute o ON o.attrelid = f.conrelid AND o.attnum = k.ours
              JOIN pg_attribute t ON t.attrelid = f.confrelid AND t.attnum = k.theirs
              WHERE (o.atttypid, o.atttypmod) <> (t.atttypid, t.atttypmod)) AS "isPlain"
     FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid WHERE f.conrelid = to_regclass($1) AND f.contype = 'f'`,
    [table, references.map(({ to }) => escapeIdentifier(to.table))],
  );
  return found.rows;
}

function isSame(key: ForeignKey, { columns, to }: Bulk['references'][number], place: number): boolean {
  return key.leadsTo[place] === true && pairs(key.columns, key.theirs) === pairs(columns, to.columns);
}

function differs({ table }: Bulk, how: string): Fault {
  return new Fault('WAREHOUSE_TABLE_DIFFERS', `table ${table} cannot take batches: ${how}`);
}
