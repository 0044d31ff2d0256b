/** Results of SQL as PostgreSQL writes them, and how they are shown: as a table, or as JSON without loss of digits. */
import { type CustomTypesConfig, DatabaseError, escapeIdentifier, type Pool, type QueryArrayResult, types } from 'pg';
import { outputWidth, renderTable } from '../table.ts';
import { visibleJson } from '../visible.ts';

export type SqlResult = QueryArrayResult<(string | null)[]>;

const { BOOL, INT2, INT4, INT8, OID, FLOAT4, FLOAT8, NUMERIC, JSON: JSON_TYPE, JSONB } = types.builtins;
const booleans: ReadonlySet<number> = new Set([BOOL]);
const numbers: ReadonlySet<number> = new Set([INT2, INT4, INT8, OID, FLOAT4, FLOAT8, NUMERIC]);
const documents: ReadonlySet<number> = new Set([JSON_TYPE, JSONB]);

/** Values stay the texts that PostgreSQL sends. */
const asText = { getTypeParser: () => (text: string) => text } as unknown as CustomTypesConfig;

/**
 * One result for each statement.
 * @param schemas last in the search_path: where tables are that have no other's name @throws DatabaseError
 */
export async function runSql(pool: Pool, text: string, schemas: readonly string[]): Promise<readonly SqlResult[]> {
  const client = await pool.connect();
  try {
    const path = `SELECT set_config('search_path', concat_ws(', ', VARIADIC NULLIF(current_setting('search_path'), '') || $1::text[]), false)`;
    await client.query(path, [schemas.map((schema) => escapeIdentifier(schema))]);
    const query = { text, rowMode: 'array', types: asText };
    const results = (await client.query(query)) as unknown as SqlResult | SqlResult[];
    return Array.isArray(results) ? results : [results];
  } finally {
    client.release(true);
  }
}

/** What PostgreSQL says of the text, as against trouble on the way to it. */
export function isSqlError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError;
}

export function asTables(results: readonly SqlResult[]): string {
  return results.map(asTable).join('\n\n');
}

function asTable(result: SqlResult): string {
  if (result.fields.length === 0) return [result.command, result.rowCount].filter((part) => part !== null).join(' ');
  const columns = result.fields.map(({ name, dataTypeID }) => ({
    title: name,
    align: numbers.has(dataTypeID) ? ('right' as const) : ('left' as const),
  }));
  const rows = result.rows.map((row) => row.map((value) => value ?? 'NULL'));
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  return `${renderTable(columns, rows, outputWidth())}\n${count}`;
}

/** An array of objects: the rows of the last result that has columns. */
export function asJson(results: readonly SqlResult[]): string {
  const result = results.findLast(({ fields }) => fields.length > 0);
  if (result === undefined) return '[]';
  const names = uniqueNames(result.fields.map(({ name }) => name)).map((name) => JSON.stringify(name));
  const kinds = result.fields.map(({ dataTypeID }) => dataTypeID);
  const rows = result.rows.map((row) => {
    const members = row.map((value, i) => `${names[i]}:${jsonOf(value, kinds[i] ?? 0)}`);
    return visibleJson(`{${members.join(',')}}`);
  });
  return `[${rows.join(',\n')}]`;
}

/** JSON documents as they are; numbers as numbers where a reader's double holds them, else as text. */
function jsonOf(text: string | null, type: number): string {
  if (text === null) return 'null';
  if (documents.has(type)) return text.replaceAll(/[\n\r\t]/g, ' '); // whitespace between its parts: in strings they are escapes
  if (booleans.has(type)) return text === 't' ? 'true' : 'false';
  if (numbers.has(type) && isSafeNumber(text)) return text;
  return JSON.stringify(text);
}

function isSafeNumber(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  return /^-?\d+$/.test(text) ? Number.isSafeInteger(value) : text.replaceAll(/[^\d]/g, '').length <= 17;
}

/** `count`, `count_2`: JSON objects hold a name once. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return nth === 1 ? name : `${name}_${nth}`;
  });
}
