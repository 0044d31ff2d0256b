/**
 * What routes ask of the warehouse: statements that only read, in a pool of their own, so that they and what lands do not wait for
 * each other's connections. A statement and its values go to PostgreSQL apart from each other, which runs one statement at a time.
 */
import { DatabaseError, type PoolConfig } from 'pg';
import { Fault, reasonOf } from '../../errors.ts';
import type { Sql, SqlValue } from '../../pipeline/routes.ts';
import { type ConnectionPool, connectionPool, lend, withAnswersWithin } from './connection-pool.ts';
import type { Warehouse } from './warehouse.ts';

export interface ReadOnlyQueries {
  readonly sql: Sql;
  /** Waits for what is asked, up to 10 s. */
  close(): Promise<void>;
}

export interface ReadOnlyLimits {
  /** PostgreSQL ends what takes longer. */
  readonly statementMs: number;
  readonly connections: number;
}

const defaults: ReadOnlyLimits = { statementMs: 10_000, connections: 8 };

/** A server that is there has told by then that it ended the statement. */
const answerGraceMs = 5_000;

/** @param warehouse undefined while it is not up */
export function openReadOnlyQueries(
  warehouse: () => Warehouse | undefined,
  limits: ReadOnlyLimits = defaults,
): ReadOnlyQueries {
  let connections: ConnectionPool | undefined;
  const sql: Sql = async <Row extends object>(statement: TemplateStringsArray, ...values: readonly SqlValue[]) => {
    const { url } = warehouse() ?? notUp();
    connections ??= connectionPool(readOnly(url, limits), () => undefined);
    const text = statement.reduce((before, part, index) => `${before}$${index}${part}`);
    return (await ask(connections, { text, values: [...values], queryMode: 'extended' }, limits)) as readonly Row[];
  };
  return { sql, close: async () => connections?.close() };
}

function readOnly(url: string, { statementMs, connections }: ReadOnlyLimits): PoolConfig {
  return {
    connectionString: url,
    max: connections,
    /** Awaited by the pool. */
    onConnect: (client): unknown =>
      client.query(`SET default_transaction_read_only = on; SET statement_timeout = ${statementMs}`),
  };
}

interface Question {
  /** Takes one statement, also where there are no values. */
  readonly queryMode: 'extended';
  readonly text: string;
  readonly values: unknown[];
}

async function ask({ pool }: ConnectionPool, question: Question, { statementMs }: ReadOnlyLimits): Promise<unknown[]> {
  try {
    const client = await lend(pool);
    try {
      const limitMs = statementMs + answerGraceMs;
      const { rows } = await withAnswersWithin(client, limitMs, () => client.query<object>(question));
      client.release();
      return rows;
    } catch (error) {
      client.release(!(error instanceof DatabaseError));
      throw error;
    }
  } catch (error) {
    throw told(error, statementMs);
  }
}

/** By PostgreSQL's codes; what is a defect of the statement stays one. */
function told(error: unknown, statementMs: number): unknown {
  if (error instanceof Fault) return error;
  const unavailable = (message: string) => new Fault('WAREHOUSE_UNAVAILABLE', message, { cause: error });
  const code = error instanceof DatabaseError ? (error.code ?? '') : undefined;
  if (code === undefined) return unavailable(`PostgreSQL does not answer: ${reasonOf(error)}`);
  if (code === '57014') return unavailable(`PostgreSQL had no answer within ${statementMs / 1000} s`);
  if (/^(08|53|57P)/.test(code)) return unavailable(`PostgreSQL does not answer: ${reasonOf(error)}`);
  if (code === '42P01') return new Fault('WAREHOUSE_TABLE_MISSING', reasonOf(error), { cause: error });
  if (code === '42501') return new Fault('WAREHOUSE_DENIED', reasonOf(error), { cause: error });
  return error;
}

function notUp(): never {
  throw new Fault('WAREHOUSE_UNAVAILABLE', 'the warehouse is not up yet');
}
