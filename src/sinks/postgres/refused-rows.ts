/**
 * Which rows PostgreSQL refuses for what they are: a number that jsonb cannot hold, a value too large for an index. COPY
 * stops at the first; here the rest is tried again and again, split where it stopped, until every row has gone in or was
 * refused by itself. Runs in a transaction that is rolled back afterwards.
 */
import { type ClientBase, DatabaseError } from 'pg';
import { copyRows } from './copy-rows.ts';

export interface RefusedRow {
  readonly index: number;
  /** The column's name, where PostgreSQL tells it. */
  readonly path: string;
  readonly message: string;
}

/** SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded. */
const dataClasses = new Set(['22', '23', '54']);

/** True where the rows are to blame, not the server, the connection or us. */
export function isDataError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && dataClasses.has(error.code?.slice(0, 2) ?? '') && !isPartitionMissing(error);
}

/** It has the code of a violated check, but names no constraint. */
export function isPartitionMissing(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23514' && error.constraint === undefined;
}

export async function findRefusedRows(
  client: ClientBase,
  statement: string,
  rows: readonly Buffer[],
): Promise<readonly RefusedRow[]> {
  const refused: RefusedRow[] = [];
  const pending: [start: number, end: number][] = [[0, rows.length]];
  for (let range = pending.pop(); range; range = pending.pop()) {
    const [start, end] = range;
    const error = start < end ? await tryRows(client, statement, rows.slice(start, end)) : undefined;
    if (!error) continue;
    if (end - start === 1) {
      refused.push({ index: start, ...describe(error) });
      continue;
    }
    const stopped = start + Math.min(stoppedAt(error) ?? (end - start) >> 1, end - start - 1);
    pending.push([stopped + 1, end], [stopped, stopped + 1], [start, stopped]);
  }
  return refused;
}

async function tryRows(
  client: ClientBase,
  statement: string,
  rows: readonly Buffer[],
): Promise<DatabaseError | undefined> {
  await client.query('SAVEPOINT rows');
  try {
    await copyRows(client, statement, [Buffer.concat(rows)]);
    await client.query('RELEASE SAVEPOINT rows');
    return undefined;
  } catch (error) {
    if (!isDataError(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT rows; RELEASE SAVEPOINT rows');
    return error;
  }
}

/** The row, from 0, that COPY was at, as the error's context has it: `COPY events, line 3, column data: ...`. A hint only: it may be in another language. */
function stoppedAt({ where }: DatabaseError): number | undefined {
  const line = /^COPY .*, line (\d+)/m.exec(where ?? '')?.[1];
  return line === undefined ? undefined : Number(line) - 1;
}

function describe({ message, detail, column, where }: DatabaseError): Omit<RefusedRow, 'index'> {
  const path = column ?? /^COPY .*, line \d+, column ([^:]+)/m.exec(where ?? '')?.[1] ?? '';
  return { path, message: detail === undefined ? message : `${message}: ${detail}` };
}
