/** Seeds: CSV files of the project as tables, the types of their columns found as dbt finds them. */
import { readFileSync, statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { Fault, reasonOf } from '../../errors.ts';
import type { Config } from '../project/configs.ts';
import { type Relation, quoteIdentifier, quoteText, sqlOf } from '../project/relation.ts';
import { replacing } from './materialize.ts';

/** The first of them that all values of a column are; a value that is empty or `null` is any. As agate tells them, which dbt reads seeds with. */
const types: readonly (readonly [type: string, isOne: (value: string) => boolean])[] = [
  ['integer', (value) => (decimalPlaces(value) ?? 1) <= 0],
  ['float8', (value) => decimalPlaces(value) !== undefined],
  ['date', (value) => /^\d{4}-\d{1,2}-\d{1,2}$/.test(value) && isDay(value)],
  ['timestamp', (value) => /^\S+\s+\d{1,2}:\d{1,2}:\d{1,2}$/.test(value) && isDay(value)],
  ['timestamp', (value) => isoTime.test(value) && isDay(value)],
  ['boolean', (value) => /^(true|false)$/i.test(value)],
];

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?$/;
const currencies =
  '\u060b$\u0192\u17db\u00a5\u20a1\u20b1\u00a3\u20ac\u00a2\ufdfc\u20aa\u20a9\u20ad\u20ae\u20a6\u0e3f\u20a4\u20ab';
const currency = new RegExp(`^[${currencies}]+|[${currencies}]+$`, 'g');

/** Undefined where it is no number. Of some that it is for dbt (1,000 and 5%) DuckDB says then that they are none, as under dbt. */
function decimalPlaces(value: string): number | undefined {
  const bare = value
    .replaceAll(/^%+|%+$/g, '')
    .replace(/^-/, '')
    .replaceAll(currency, '')
    .replaceAll(/[,_]/g, '');
  const [found, whole = '', fraction = '', exponent = '0'] = /^[+-]?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(bare) ?? [];
  if (/^[+-]?(inf|infinity|nan)$/i.test(bare)) return 0;
  if (found === undefined || whole + fraction === '') return undefined;
  const zeros = /0*$/.exec(whole + fraction)?.[0].length ?? 0;
  return zeros === whole.length + fraction.length ? 0 : fraction.length - zeros - Number(exponent);
}

/** Whether the calendar has the day that it begins with. */
function isDay(value: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)/.exec(value)?.map(Number) ?? [];
  if (!year || !month || !day) return false;
  return month <= 12 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

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
  const present = values.map((value) => value.trim()).filter((value) => !['', 'null'].includes(value.toLowerCase()));
  return types.find(([, isOne]) => present.every(isOne))?.[0] ?? 'text';
}
