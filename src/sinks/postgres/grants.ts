/**
 * The SQL by which an administrator lets a role land events: in a schema where it makes its own tables, or on tables that
 * the same SQL makes. All names are quoted. It may be run again.
 */
import { escapeIdentifier as quoted } from 'pg';
import type { DimensionSink, TableSink } from '../../pipeline/pipeline.ts';
import { quotedTable, schemasOf } from '../../pipeline/row-tables.ts';
import { stateTable } from '../../stores/state/postgres-commit.ts';
import { tablesOf } from './dimension-tables.ts';
import { createMigrations } from './migrations.ts';
import { checkpointPrivileges, dimensionPrivileges, replayPrivileges, tablePrivileges } from './privileges.ts';
import {
  checkpointsTable,
  createCheckpoints,
  indexBody,
  nextMonth,
  partitionBounds,
  partitionName,
  type Table,
  tableBody,
} from './table-statements.ts';

export interface GrantsOptions {
  readonly role: string;
  readonly database: string;
  readonly schema: string;
  /** The connection says which schema it means: the role's own stays as it is. Default false. */
  readonly isSchemaNamed?: boolean;
  readonly tables: readonly (TableSink<never> | DimensionSink<never>)[];
  /** Who applies them is another role, where tables are made here. Default false. */
  readonly hasMigrations?: boolean;
  /** Keyed state is kept in this database, too: where nodes share a log. Default false. */
  readonly hasState?: boolean;
  /** The tables are made here, with the partitions of these months (`YYYY-MM`); default: the role makes them. */
  readonly months?: { readonly from: string; readonly to: string };
}

/** What of a name PostgreSQL keeps. */
const maxNameBytes = 63;

/** Statements in their order, without semicolons. */
export function grantStatements(options: GrantsOptions): readonly string[] {
  const { database, schema, months } = options;
  const dimensions = options.tables.filter((table) => table.kind === 'dimension');
  const to = `TO ${quoted(options.role)}`;
  const inDatabase = `ALTER ROLE ${quoted(options.role)} IN DATABASE ${quoted(database)}`;
  return [
    `CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`,
    `SET LOCAL search_path = ${quoted(schema)}`,
    `GRANT CONNECT ON DATABASE ${quoted(database)} ${to}`,
    `GRANT ${months ? 'USAGE' : 'USAGE, CREATE'} ON SCHEMA ${quoted(schema)} ${to}`,
    ...(schema === 'public' || options.isSchemaNamed ? [] : [`${inDatabase} SET search_path = ${quoted(schema)}`]),
    ...(dimensions.length > 0 ? [`GRANT TEMPORARY ON DATABASE ${quoted(database)} ${to}`] : []),
    ...otherSchemas(dimensions, to, months !== undefined),
    ...(months ? preparedTables(options.tables, months, to) : []),
    ...(months && options.hasMigrations ? [createMigrations, `GRANT SELECT ON tributary_migrations ${to}`] : []),
    ...(months && options.hasState ? preparedState(to) : []),
  ];
}

function preparedTables(
  tables: GrantsOptions['tables'],
  months: { readonly from: string; readonly to: string },
  to: string,
): readonly string[] {
  return [
    createCheckpoints,
    `GRANT ${checkpointPrivileges.join(', ')} ON ${checkpointsTable} ${to}`,
    ...tables.filter((table) => table.kind === 'dimension').flatMap((table) => preparedDimension(table, to)),
    ...tables
      .filter((table) => table.kind === 'table')
      .flatMap((table) => [
        `CREATE TABLE IF NOT EXISTS ${quoted(table.name)} ${tableBody(table)}`,
        ...table.indexes.map((columns) => createIndex(table.name, columns, indexBody(table, columns))),
        ...replayIndex(table),
        ...monthsBetween(months.from, months.to).map((month) => createPartition(table.name, month)),
        `GRANT ${privilegesOn(table).join(', ')} ON ${quoted(table.name)} ${to}`,
      ]),
  ];
}

/** Those that tables are in beside the one of the options. */
function otherSchemas(dimensions: readonly DimensionSink<never>[], to: string, isPrepared: boolean): readonly string[] {
  return schemasOf(dimensions).flatMap((name) => [
    `CREATE SCHEMA IF NOT EXISTS ${quoted(name)}`,
    `GRANT ${isPrepared ? 'USAGE' : 'USAGE, CREATE'} ON SCHEMA ${quoted(name)} ${to}`,
  ]);
}

/** A replay makes an index of the history, as `replaced-rows.ts` does. */
function preparedDimension(dimension: DimensionSink<never>, to: string): readonly string[] {
  return tablesOf(dimension).flatMap((table) => [
    `CREATE TABLE IF NOT EXISTS ${quotedTable(table)} ${tableBody(table)}`,
    ...(table.oneCurrent ? oneCurrentIndex(table, table.oneCurrent, dimension.correlationId) : []),
    `GRANT ${dimensionPrivileges.join(', ')} ON ${quotedTable(table)} ${to}`,
  ]);
}

function oneCurrentIndex(table: Table, key: readonly string[], correlationId: string): readonly string[] {
  const body = `ON ${quotedTable(table)} USING brin (${quoted(correlationId)}) WITH (autosummarize = on)`;
  const unique = createIndex(table.name, key, `${indexBody(table, key)} WHERE is_current`);
  return [unique.replace('CREATE INDEX', 'CREATE UNIQUE INDEX'), createIndex(table.name, [correlationId], body)];
}

function preparedState(to: string): readonly string[] {
  return [...stateTable, `GRANT SELECT, INSERT, UPDATE, DELETE ON tributary_state ${to}`];
}

function privilegesOn({ correlationId }: TableSink<never>): readonly string[] {
  return [...tablePrivileges, ...(correlationId === undefined ? [] : replayPrivileges)];
}

/** As `replaced-rows.ts` makes it; its summaries, which take owning it, are left to autovacuum. */
function replayIndex({ name, correlationId }: TableSink<never>): readonly string[] {
  if (correlationId === undefined) return [];
  const body = `ON ${quoted(name)} USING brin (${quoted(correlationId)}) WITH (autosummarize = on)`;
  return [createIndex(name, [correlationId], body)];
}

function createIndex(table: string, columns: readonly string[], body: string): string {
  const name = Buffer.from(`${table}_${columns.join('_')}_idx`);
  const kept = name
    .subarray(0, maxNameBytes)
    .toString()
    .replace(/\uFFFD+$/, '');
  return `CREATE INDEX IF NOT EXISTS ${quoted(kept)} ${body}`;
}

function createPartition(table: string, month: string): string {
  const partition = `${quoted(partitionName(table, month))} PARTITION OF ${quoted(table)}`;
  return `CREATE TABLE IF NOT EXISTS ${partition} FOR VALUES ${partitionBounds(month)}`;
}

/** Both inclusive. */
function monthsBetween(from: string, to: string): readonly string[] {
  const months: string[] = [];
  for (let month = from; month <= to; month = nextMonth(month)) months.push(month);
  return months;
}
