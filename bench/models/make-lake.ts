/** Users, content and sessions as the CSV files that the models of the lake read, by DuckDB: the same at every time, ten million sessions in seconds. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { quoteText } from '../../src/models/project/relation.ts';

/** Those of the data server (apps/lake/data-server). */
const [users, content] = [10_000, 1000] as const;

/** @param objects the directory of the object store */
export async function makeLake(objects: string, sessions: number): Promise<void> {
  const dir = join(objects, 'data');
  await mkdir(dir, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows: Readonly<Record<string, string>> = {
    users: `id, ${below(73, 'age')} + 17 AS age, ${oneOf('status', ['free', 'free', 'paid', 'trial'])}, ${oneOf('country', ['US', 'BR', 'MX', 'IT', 'PH', 'PL'])}, ${createdAt}
      FROM range(1, ${users + 1}) AS made(id)`,
    content: `id, ${oneOf('media_type', ['text', 'video', 'audio'])}, ${oneOf('prayer_type', ['academic', 'podcast', 'reflection', 'lectio_divina', 'rosary', 'meditation'])}, ${createdAt}
      FROM range(1, ${content + 1}) AS made(id)`,
    sessions: `id, ${below(users * 1.02, 'user')} + 1 AS user_id, ${below(content * 1.02, 'content')} + 1 AS content_id, ${oneOf('is_complete', ['True', 'True', 'True', 'False'])}, ${createdAt}
      FROM range(1, ${sessions + 1}) AS made(id)`,
  };
  for (const [name, sql] of Object.entries(rows))
    await connection.run(`COPY (SELECT ${sql}) TO ${quoteText(join(dir, `${name}.csv`))} (FORMAT csv, HEADER)`);
  connection.closeSync();
  instance.closeSync();
}

/** 0 <= n < limit, of the row's number and the column's name: no chance is in it. */
function below(limit: number, column: string): string {
  return `CAST(hash(id, ${quoteText(column)}) % ${limit} AS BIGINT)`;
}

function oneOf(column: string, values: readonly string[]): string {
  return `[${values.map(quoteText).join(', ')}][1 + ${below(values.length, column)}] AS ${column}`;
}

const createdAt = `TIMESTAMP '2023-01-01' + to_microseconds(${below(365 * 86_400 * 1e6, 'created_at')}) AS created_at`;
