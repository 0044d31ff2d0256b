/** The SQL by which an administrator makes the tables of a dataset, empty, and lets a role read them. It may be run again. */
import { escapeIdentifier as quoted } from 'pg';
import type { Dataset, DatasetTable } from '../pipeline/dataset.ts';

export function datasetGrants({ tables }: Dataset, role: string): readonly string[] {
  return tables.flatMap((table) => [
    createTable(table),
    ...Object.entries(table.indexes).map(
      ([name, body]) => `CREATE INDEX IF NOT EXISTS ${quoted(name)} ON ${quoted(table.name)} ${body}`,
    ),
    `GRANT SELECT ON ${quoted(table.name)} TO ${quoted(role)}`,
  ]);
}

function createTable({ name, columns, constraints }: DatasetTable): string {
  const parts = [
    ...Object.entries(columns).map(([column, type]) => `${quoted(column)} ${type}`),
    ...Object.entries(constraints).map(([constraint, body]) => `CONSTRAINT ${quoted(constraint)} ${body}`),
  ];
  return `CREATE TABLE IF NOT EXISTS ${quoted(name)} (${parts.join(', ')})`;
}
