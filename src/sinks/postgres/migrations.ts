/**
 * Migrations of the warehouse: SQL files of a pipeline, `0001_name.sql` and so on, each applied once, in the order of their numbers, in a transaction
 * with the row of `tributary_migrations` that says so: a file that fails leaves nothing. Nodes that start at the same time wait for each
 * other. The pipeline's own tables are there by then, and their schemas are first in the search_path.
 *
 * A file that was applied must stay as it is. One that is recorded and not there is of newer code, which others may run.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ClientBase, DatabaseError, escapeIdentifier } from 'pg';
import { Fault } from '../../errors.ts';
import { underLock } from './advisory-lock.ts';
import { denied, isDenied } from './privileges.ts';

export interface Migration {
  /** Of its file. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256, hexadecimal. */
  readonly checksum: string;
}

export interface MigrationStatus {
  readonly name: string;
  readonly status: 'applied' | 'pending' | 'changed' | 'not here';
  readonly appliedAt: Date | undefined;
}

export interface Applied {
  readonly name: string;
  readonly checksum: string;
  readonly appliedAt: Date;
}

const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** In order. @throws Fault WAREHOUSE_MIGRATION_INVALID */
export async function readMigrations(directory: URL): Promise<readonly Migration[]> {
  const path = fileURLToPath(directory);
  const names = (
    await readdir(path).catch((error: unknown) => {
      throw new Fault('WAREHOUSE_MIGRATION_INVALID', `${path} cannot be read`, { cause: error });
    })
  ).toSorted();
  const numbers = names.map((name) => fileName.exec(name)?.[1]);
  for (const [i, name] of names.entries()) {
    if (numbers[i] === undefined)
      throw new Fault('WAREHOUSE_MIGRATION_INVALID', `${path}: ${name} is not named as 0001_some_words.sql`);
    if (numbers[i] === numbers[i - 1])
      throw new Fault('WAREHOUSE_MIGRATION_INVALID', `${path}: ${names[i - 1]} and ${name} have the same number`);
  }
  return Promise.all(names.map((name) => readMigration(directory, name)));
}

async function readMigration(directory: URL, name: string): Promise<Migration> {
  const sql = await readFile(new URL(name, directory), 'utf8');
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
}

/** What is known of each, and of those that only the warehouse knows. */
export async function migrationStatuses(
  client: ClientBase,
  pipeline: string,
  migrations: readonly Migration[],
): Promise<readonly MigrationStatus[]> {
  const applied = await readApplied(client, pipeline);
  const others = [...applied.values()].filter(({ name }) => !migrations.some((one) => one.name === name));
  return [
    ...migrations.map(({ name, checksum }) => {
      const record = applied.get(name);
      const status = !record ? 'pending' : record.checksum === checksum ? 'applied' : 'changed';
      return { name, status, appliedAt: record?.appliedAt } as const;
    }),
    ...others.map(({ name, appliedAt }) => ({ name, status: 'not here', appliedAt }) as const),
  ];
}

/**
 * Answers the names of those that it has applied. The client is of no use to others afterwards: a migration may have changed its settings.
 * @param schemas first in the search_path @throws Fault WAREHOUSE_MIGRATION_CHANGED, WAREHOUSE_MIGRATION_FAILED, WAREHOUSE_DENIED
 */
export async function applyMigrations(
  client: ClientBase,
  pipeline: string,
  migrations: readonly Migration[],
  schemas: readonly string[],
): Promise<readonly string[]> {
  const applied: string[] = [];
  if (!isPending(await readApplied(client, pipeline), pipeline, migrations)) return applied;
  for (const migration of migrations) {
    await client.query('RESET ALL'); // what the one before it has set
    const isNew = await underLock(client, `migrations of ${pipeline}`, async () => {
      await client.query(createMigrations);
      if (!isPending(await readApplied(client, pipeline), pipeline, [migration])) return false;
      await apply(client, pipeline, migration, schemas);
      return true;
    }).catch((error: unknown) => {
      throw explained(error, pipeline, migration);
    });
    if (isNew) applied.push(migration.name);
  }
  return applied;
}

export const createMigrations = `CREATE TABLE IF NOT EXISTS tributary_migrations (
  pipeline text NOT NULL, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (pipeline, name))`;

async function readApplied(client: ClientBase, pipeline: string): Promise<ReadonlyMap<string, Applied>> {
  const there = await client.query<{ is: boolean }>(`SELECT to_regclass('tributary_migrations') IS NOT NULL AS is`);
  if (!there.rows[0]?.is) return new Map();
  const { rows } = await client.query<Applied>(
    'SELECT name, checksum, applied_at AS "appliedAt" FROM tributary_migrations WHERE pipeline = $1 ORDER BY name',
    [pipeline],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

/** @throws Fault WAREHOUSE_MIGRATION_CHANGED, WAREHOUSE_MIGRATION_INVALID */
function isPending(applied: ReadonlyMap<string, Applied>, pipeline: string, migrations: readonly Migration[]): boolean {
  const last = [...applied.keys()].at(-1) ?? '';
  let pending = false;
  for (const { name, checksum } of migrations) {
    const record = applied.get(name);
    if (record && record.checksum !== checksum)
      throw new Fault(
        'WAREHOUSE_MIGRATION_CHANGED',
        `${name} of ${pipeline} was applied on ${record.appliedAt.toISOString()}, and has been changed since`,
      );
    if (!record && name < last)
      throw new Fault('WAREHOUSE_MIGRATION_INVALID', `${name} of ${pipeline} comes before ${last}, which is applied`);
    pending ||= !record;
  }
  return pending;
}

async function apply(
  client: ClientBase,
  pipeline: string,
  { name, sql, checksum }: Migration,
  schemas: readonly string[],
): Promise<void> {
  const { rows } = await client.query<{ table: string }>(qualified);
  await client.query('SET LOCAL statement_timeout = 0');
  await client.query(
    `SELECT set_config('search_path', concat_ws(', ', VARIADIC $1::text[] || NULLIF(current_setting('search_path'), '')), true)`,
    [schemas.map((schema) => escapeIdentifier(schema))],
  );
  const before = await transactionId(client);
  await client.query(sql);
  if ((await transactionId(client)) !== before)
    throw new Fault(
      'WAREHOUSE_MIGRATION_FAILED',
      `${name} of ${pipeline} ends the transaction that it is applied in: what it did until then is done, and is not recorded`,
    );
  const values = [pipeline, name, checksum];
  await client.query(`INSERT INTO ${rows[0]!.table} (pipeline, name, checksum) VALUES ($1, $2, $3)`, values);
}

/** The table by its whole name: a migration may change the search_path. */
const qualified = `SELECT format('%I.%I', n.nspname, c.relname) AS table
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'tributary_migrations'::regclass`;

async function transactionId(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
  return rows[0]?.id;
}

function explained(error: unknown, pipeline: string, { name, sql }: Migration): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const what = `${name} of ${pipeline}${lineOf(error, sql)}`;
  const { code = '', message } = error;
  if (isDenied(error)) return denied(`${what}, which tributary warehouse migrate applies as another role`, error);
  // Classes of connections, of resources and of operators who intervene: nothing is wrong with the file.
  if (/^(08|53|57|58)/.test(code)) return error;
  return new Fault('WAREHOUSE_MIGRATION_FAILED', `${what}: ${message}`, { cause: error });
}

function lineOf({ position }: DatabaseError, sql: string): string {
  const at = Number(position);
  if (!(at >= 1)) return '';
  return `, line ${
    Array.from(sql)
      .slice(0, at - 1)
      .filter((character) => character === '\n').length + 1
  }`; // counted in code points
}
