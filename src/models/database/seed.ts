/** Seeds: CSV files of the project as tables, the types of their columns found as dbt finds them. */
import { readFileSync, statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { Fault, reasonOf } from '../../errors.ts';
import type { Config } from '../project/configs.ts';
import { type Relation, quoteIdentifier, quoteText, sqlOf } from '../project/relation.ts';
import { replacing } from './materialize.ts';

/** The first of them that all values of a column are; a value that is empty or `null` is any. */
const types: readonly (readonly [type: string, form: RegExp])[] = [
  ['integer', /^[+-]?\d+(\.0*)?$/],
  ['float8', /^[+-]?\d+(\.\d*)?$/],
  ['date', /^\d{4}-\d{1,2}-\d{1,2}$/],
  ['timestamp', /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?$/],
  ['boolean', /^(true|false)$/i],
];

/** It is read as a whole to find the types, at some twenty times its size. */
const largestBytes = 64 << 20;

/** @throws Fault MODELS_INVALID where the file is no CSV, or too large */
export async function loadSeed(
  connection: DuckDBConnection,
  { relation, config, path, file }: { relation: Relation; config: Config; path: string; file: string },
): Promise<void> {
  const delimiter = typeof config['delimiter'] === 'string' ? config['delimiter'] : ',';
  const [header = [], ...rows] = readCsv(path, file, delimiter);
  const given = new Map(Object.entries((config['column_types'] ?? {}) as Record<string, string>));
  const columns = header.map((name, i) => {
    const type = given.get(name) ?? typeOf(rows.map((row) => row[i] ?? ''));
    return `${quoteIdentifier(name)} ${type}`;
  });
  const options = `FORMAT csv, HEADER, DELIMITER ${quoteText(delimiter)}`;
  await replacing(
    connection,
    relation,
    'table',
    `CREATE OR REPLACE TABLE ${sqlOf(relation)} (${columns.join(', ')})`,
    `COPY ${sqlOf(relation)} FROM ${quoteText(path)} (${options})`,
  );
}

function readCsv(path: string, file: string, delimiter: string): readonly (readonly string[])[] {
  if (statSync(path).size > largestBytes)
    throw new Fault(
      'MODELS_INVALID',
      `${file}: a seed has 64 MiB at most: put it into the object store, and read it as a source`,
    );
  try {
    return parse(readFileSync(path), { bom: true, delimiter });
  } catch (error) {
    throw new Fault('MODELS_INVALID', `${file}: ${reasonOf(error)}`, { cause: error });
  }
}

function typeOf(values: readonly string[]): string {
  const present = values.filter((value) => !['', 'null'].includes(value.trim().toLowerCase()));
  return types.find(([, form]) => present.every((value) => form.test(value.trim())))?.[0] ?? 'text';
}
