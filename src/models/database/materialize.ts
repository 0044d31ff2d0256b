/** How a model becomes a table or a view. Each in one transaction: one that fails leaves what was there. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Config, textsOf } from '../project/configs.ts';
import { type Relation, quoteIdentifier, quoteText, sqlOf } from '../project/relation.ts';

export type Existing = 'table' | 'view' | undefined;

/** What of that name is there. */
export async function existing(
  connection: DuckDBConnection,
  { database, schema, identifier }: Relation,
): Promise<Existing> {
  const found = await connection.runAndReadAll(
    `SELECT table_type FROM information_schema.tables
     WHERE table_catalog = $1 AND table_schema = $2 AND table_name = $3`,
    [database, schema, identifier],
  );
  const [type] = found.getRowsJS()[0] ?? [];
  return type === undefined ? undefined : type === 'VIEW' ? 'view' : 'table';
}

export interface ToMaterialize {
  readonly relation: Relation;
  readonly config: Config;
  readonly sql: string;
  /** It is added to what is there. */
  readonly isIncremental: boolean;
}

export async function materializeView(connection: DuckDBConnection, { relation, sql }: ToMaterialize): Promise<void> {
  await replacing(connection, relation, 'view', `CREATE OR REPLACE VIEW ${sqlOf(relation)} AS (\n${sql}\n)`);
}

export async function materializeTable(connection: DuckDBConnection, model: ToMaterialize): Promise<void> {
  const { relation, sql } = model;
  if (model.isIncremental) return addTo(connection, model);
  await replacing(connection, relation, 'table', `CREATE OR REPLACE TABLE ${sqlOf(relation)} AS (\n${sql}\n)`);
}

/** @param statements make it, of that kind */
export async function replacing(
  connection: DuckDBConnection,
  relation: Relation,
  kind: 'table' | 'view',
  ...statements: readonly string[]
): Promise<void> {
  const before = await existing(connection, relation);
  await inTransaction(connection, async () => {
    await connection.run(
      `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(relation.database)}.${quoteIdentifier(relation.schema)}`,
    );
    if (before !== undefined && before !== kind) await connection.run(`DROP ${before} ${sqlOf(relation)}`);
    for (const statement of statements) await connection.run(statement);
  });
}

const added = 'tributary_added';

/** Rows of the same key are replaced, where the model has one; else the new ones are added. */
async function addTo(connection: DuckDBConnection, { relation, config, sql }: ToMaterialize): Promise<void> {
  const table = sqlOf(relation);
  const columns = await connection.runAndReadAll(`SELECT column_name FROM (DESCRIBE ${table})`);
  const names = columns.getRowsJS().map(([name]) => quoteIdentifier(name as string));
  const keys = config['incremental_strategy'] === 'append' ? [] : textsOf(config['unique_key']);
  await inTransaction(connection, async () => {
    await connection.run(`CREATE TEMPORARY TABLE ${added} AS (\n${sql}\n)`);
    const same = keys.map((key) => `${added}.${key} = kept.${key}`).join(' AND ');
    if (keys.length > 0) await connection.run(`DELETE FROM ${table} AS kept USING ${added} WHERE ${same}`);
    await connection.run(`INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${added}`);
    await connection.run(`DROP TABLE ${added}`);
  });
}

const readers: Readonly<Record<string, string>> = {
  parquet: 'read_parquet({path}, union_by_name = false)',
  csv: 'read_csv({path}, auto_detect = true)',
  json: 'read_json({path}, auto_detect = true)',
};

/**
 * The rows in a file, and a view of it.
 * @param file is written
 * @param path is what the view reads
 * @param keep puts the file where the path names it
 */
export async function materializeExternal(
  connection: DuckDBConnection,
  { relation, config, sql }: ToMaterialize,
  { file, path, format, keep }: { file: string; path: string; format: string; keep: () => Promise<void> },
): Promise<void> {
  const delimiter = typeof config['delimiter'] === 'string' ? `, DELIMITER ${quoteText(config['delimiter'])}` : '';
  const options = format === 'csv' ? `FORMAT csv, HEADER${delimiter}` : `FORMAT ${format}`;
  await connection.run(`COPY (\n${sql}\n) TO ${quoteText(file)} (${options})`);
  await keep();
  const reader = readers[format]?.replace('{path}', () => quoteText(path)) ?? '';
  await replacing(
    connection,
    relation,
    'view',
    `CREATE OR REPLACE VIEW ${sqlOf(relation)} AS (SELECT * FROM ${reader})`,
  );
}

async function inTransaction(connection: DuckDBConnection, what: () => Promise<void>): Promise<void> {
  await connection.run('BEGIN');
  try {
    await what();
    await connection.run('COMMIT');
  } catch (error) {
    await connection.run('ROLLBACK');
    throw error;
  }
}
