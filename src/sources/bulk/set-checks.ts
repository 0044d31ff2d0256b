/**
 * What is wrong with staged rows that only the tables know, found by sets: references to nothing, and keys that are there twice. Each
 * check answers the first errors by line, and counts all.
 */
import { type ClientBase, escapeIdentifier } from 'pg';
import type { Bulk, BulkReference } from '../../pipeline/bulk.ts';
import { columnReader } from './column-values.ts';
import type { GivenKeys, KeyColumn } from './given-keys.ts';
import { maxErrorsShown, type RowError, type RowErrors, shown } from './row-errors.ts';
import { type Staging, stagingTable } from './staging.ts';
import type { UniqueKey } from './target-table.ts';

const line = 's."line of row"';

/** All rows of a batch, and what is wrong with them so far. */
export interface ReceivedRows {
  /** What they refer to. */
  readonly given: GivenKeys;
  readonly staging: Staging;
  readonly errors: RowErrors;
}

/**
 * The rows that are referred to are locked first, so that none of them goes before the batch is in; what is deleted meanwhile is waited
 * for, and is unknown then. Others may refer to them, too, and read and change all of them but their keys.
 */
export async function checkReferences(
  client: ClientBase,
  bulk: Bulk,
  { given, staging, errors }: ReceivedRows,
): Promise<void> {
  for (const [i, reference] of bulk.references.entries()) {
    const keys = given.of(i);
    if (keys && (await lockIfAllKnown(client, bulk, reference, keys))) continue;
    await staging.analyze();
    const known = `tributary_known_${i}`;
    await client.query(lockKnown(known, reference));
    await client.query(`ANALYZE ${known}`);
    const { columns, to } = reference;
    const isKnown = columns.map((name, c) => `k.${theirs(c)} = s.${escapeIdentifier(name)}`).join(' AND ');
    const where = `${areGiven(columns)} AND NOT EXISTS (SELECT FROM ${known} k WHERE ${isKnown})`;
    await report(client, errors, {
      columns,
      rows: `SELECT ${line} AS line, ${valuesOf(columns)} AS values FROM ${stagingTable} s WHERE ${where}`,
      reason: () => `not in ${to.table}.${to.columns.join(', ')}`,
    });
  }
}

/** Whether all keys are there: then they are locked, and no row has to be looked at. */
async function lockIfAllKnown(
  client: ClientBase,
  bulk: Bulk,
  { columns, to }: BulkReference,
  keys: readonly KeyColumn[],
): Promise<boolean> {
  const types = columns.map((name) => columnReader(bulk.columns[name] as Bulk['columns'][string]).sql);
  const arrays = types.map((type, i) => `$${i + 1}::${type === 'date' ? 'integer' : type}[]`);
  const numbered = columns.map((_, i) => `given_${i}`);
  const values = types.map((type, i) => (type === 'date' ? `date '2000-01-01' + given_${i}` : `given_${i}`));
  const named = values.map((value, i) => `${value} AS ${theirs(i)}`).join(', ');
  const ours = to.columns.map((name) => `r.${escapeIdentifier(name)}`);
  const isKnown = columns.map((_, i) => `k.${theirs(i)} = g.${theirs(i)}`).join(' AND ');
  const found = await client.query<{ is: boolean }>(
    `WITH given AS MATERIALIZED (SELECT ${named} FROM unnest(${arrays.join(', ')}) AS u (${numbered.join(', ')})),
     known AS MATERIALIZED (
       SELECT ${ours.map((key, i) => `${key} AS ${theirs(i)}`).join(', ')} FROM ${escapeIdentifier(to.table)} r
       WHERE (${ours.join(', ')}) IN (SELECT * FROM given) ORDER BY ${ours.join(', ')} FOR KEY SHARE OF r),
     locked AS MATERIALIZED (SELECT count(*) FROM known) -- all of them, before the first is compared
     SELECT (SELECT * FROM locked) IS NOT NULL
       AND NOT EXISTS (SELECT FROM given g WHERE NOT EXISTS (SELECT FROM known k WHERE ${isKnown})) AS is`,
    [...keys],
  );
  return found.rows[0]?.is === true;
}

function theirs(place: number): string {
  return escapeIdentifier(`key ${place}`);
}

function lockKnown(known: string, { columns, to }: BulkReference): string {
  const keys = to.columns.map((name) => `r.${escapeIdentifier(name)}`);
  const selected = keys.map((key, i) => `${key} AS ${theirs(i)}`).join(', ');
  const ours = columns.map((name) => escapeIdentifier(name)).join(', ');
  return `CREATE TEMPORARY TABLE ${known} ON COMMIT DROP AS SELECT ${selected} FROM ${escapeIdentifier(to.table)} r
    WHERE (${keys.join(', ')}) IN (SELECT ${ours} FROM ${stagingTable}) ORDER BY ${keys.join(', ')} FOR KEY SHARE OF r`;
}

/** With upsert a primary key that is in the table is none, but one that is twice in the batch is. */
export async function checkKeys(
  client: ClientBase,
  bulk: Bulk,
  keys: readonly UniqueKey[],
  { staging, errors }: ReceivedRows,
): Promise<void> {
  await staging.analyze();
  for (const { columns, isPrimary } of keys) {
    const names = columns.map(escapeIdentifier).join(', ');
    await report(client, errors, {
      columns,
      rows: `SELECT line, values, before FROM (
               SELECT ${line} AS line, ${valuesOf(columns)} AS values, row_number() OVER same AS n, first_value(${line}) OVER same AS before
               FROM ${stagingTable} s WHERE ${areGiven(columns)}
               WINDOW same AS (PARTITION BY ${names} ORDER BY ${line})) numbered WHERE n > 1`,
      reason: (before) => `the same as in line ${before}`,
    });
    if (isPrimary && bulk.onConflict === 'upsert') continue;
    const primary = bulk.onConflict === 'upsert' ? keys.find((key) => key.isPrimary) : undefined;
    const butReplaced = primary ? `AND NOT (${areSame(primary.columns)})` : '';
    await report(client, errors, {
      columns,
      rows: `SELECT ${line} AS line, ${valuesOf(columns)} AS values FROM ${stagingTable} s
             WHERE EXISTS (SELECT FROM ${escapeIdentifier(bulk.table)} t WHERE ${areSame(columns)} ${butReplaced})`,
      reason: () => `is in ${bulk.table} already`,
    });
  }
}

interface Check {
  readonly columns: readonly string[];
  /** `line`, `values`, and what `reason` is told as `before`. */
  readonly rows: string;
  readonly reason: (before: string | undefined) => string;
}

async function report(client: ClientBase, errors: RowErrors, { columns, rows, reason }: Check): Promise<void> {
  const found = await client.query<{ line: string; values: string[]; before?: string; total: string }>(
    `SELECT *, count(*) OVER () AS total FROM (${rows}) found ORDER BY line LIMIT ${maxErrorsShown}`,
  );
  const first = found.rows.map((row): RowError => {
    const value = shown(row.values.join(','));
    return { line: Number(row.line), field: columns.join(','), value, reason: reason(row.before) };
  });
  errors.addAll(first, Number(found.rows[0]?.total ?? 0));
}

function valuesOf(columns: readonly string[]): string {
  return `ARRAY[${columns.map((name) => `s.${escapeIdentifier(name)}::text`).join(', ')}]`;
}

function areSame(columns: readonly string[]): string {
  return columns.map((name) => `t.${escapeIdentifier(name)} = s.${escapeIdentifier(name)}`).join(' AND ');
}

function areGiven(columns: readonly string[]): string {
  return columns.map((name) => `s.${escapeIdentifier(name)} IS NOT NULL`).join(' AND ');
}
