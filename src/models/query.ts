/** Reads what the models are, as tables and as JSON. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { Fault, reasonOf } from '../errors.ts';

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly isNumber: boolean }[];
  readonly rows: readonly (readonly unknown[])[];
}

const numbers = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
/** A double holds them without loss. */
const safeDigits = 15;

/** The rows of the last statement. @throws Fault MODELS_QUERY_FAILED */
export async function runQuery(connection: DuckDBConnection, sql: string): Promise<QueryResult> {
  try {
    const result = await connection.runAndReadAll(sql);
    const types = result.columnTypes().map(String);
    const columns = result
      .deduplicatedColumnNames()
      .map((name, i) => ({ name, isNumber: numbers.test(types[i] ?? '') }));
    const rows = result.getRowsJson().map((row) => row.map((value, i) => plain(value, columns[i]?.isNumber ?? false)));
    return { columns, rows };
  } catch (error) {
    throw new Fault('MODELS_QUERY_FAILED', reasonOf(error), { cause: error });
  }
}

/** Numbers as numbers, where no digit is lost. */
function plain(value: unknown, isNumber: boolean): unknown {
  if (!isNumber || typeof value !== 'string') return value;
  const digits = value.replaceAll(/\D/g, '').length;
  return digits > 0 && digits <= safeDigits ? Number(value) : value;
}
