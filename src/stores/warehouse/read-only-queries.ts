/**
 * What routes ask of the warehouse: statements that only read, in a pool of their own, so that they and what lands do not wait for
 * each other's connections. A statement and its values go to PostgreSQL apart from each other, which runs one statement at a time, prepared
 * once a connection.
 */
import { DatabaseError, type Pool, type PoolConfig } from 'pg';
import { Fault, reasonOf } from '../../errors.ts';
import type { Sql, SqlValue } from '../../pipeline/routes.ts';
import { type ConnectionPool, connectionPool, lend, withAnswersWithin } from './connection-pool.ts';
import type { Warehouse } from './warehouse.ts';

export interface ReadOnlyQueries {
  readonly sql: Sql;
  /** Of its connections; undefined before the first statement. */
  readonly pool: () => Pool | undefined;
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
  const prepare = preparer();
  const sql: Sql = async <Row extends object>(statement: TemplateStringsArray, ...values: readonly SqlValue[]) => {
    const { url } = warehouse() ?? notUp();
    connections ??= connectionPool(readOnly(url, limits), () => undefined);
    const question: Question = { ...prepare(statement), values: [...values], queryMode: 'extended' };
    return (await ask(connections, question, limits)) as readonly Row[];
  };
  return { sql, pool: () => connections?.pool, close: async () => connections?.close() };
}

interface Prepared {
  /** Each connection has the statement parsed once, and soon planned once, too: for a short one, half of what it takes. */
  readonly name: string;
  readonly text: string;
}

/** A place in the code has one template, whatever the values are: so there are no more names than places. */
function preparer(): (statement: TemplateStringsArray) => Prepared {
  const known = new WeakMap<TemplateStringsArray, Prepared>();
  let count = 0;
  return (statement) => {
    let prepared = known.get(statement);
    if (!prepared) {
      const text = statement.reduce((before, part, index) => `${before}$${index}${part}`);
      known.set(statement, (prepared = { name: `tributary_${(count += 1)}`, text }));
    }
    return prepared;
  };
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
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

async function ask({ pool }: ConnectionPool, question: Question, limits: ReadOnlyLimits): Promise<unknown[]> {
  for (let stale = 0; ; stale++)
    try {
      return await askOnce(pool, question, limits);
    } catch (error) {
      // No more of them can be stale than there are; one that is has been ended.
      if (!isStale(error) || stale >= limits.connections) throw told(error, limits.statementMs);
    }
}

async function askOnce(pool: Pool, question: Question, { statementMs }: ReadOnlyLimits): Promise<unknown[]> {
  const client = await lend(pool);
  try {
    const limitMs = statementMs + answerGraceMs;
    const { rows } = await withAnswersWithin(client, limitMs, () => client.query<object>(question));
    client.release();
    return rows;
  } catch (error) {
    client.release(!(error instanceof DatabaseError) || isStale(error));
    throw error;
  }
}

/**
 * The statement is prepared, but a table has other types since then, or the session behind the connection is another one: not so on a new
 * connection.
 */
function isStale(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery');
}

/** By PostgreSQL's codes; what is a defect of the statement stays one. */
function told(error: unknown, statementMs: number): unknown {
  if (error instanceof Fault) return error;
  const unavailable = (message: string) => new Fault('WAREHOUSE_UNAVAILABLE', message, { cause: error });
  const code = error instanceof DatabaseError ? (error.code ?? '') : undefined;
  if (code === undefined) return unavailable(`PostgreSQL does not answer: ${reasonOf(error)}`);
  if (code === '57014') return unavailable(`PostgreSQL had no answer within ${statementMs / 1000} s`);
  if (/^(08|40|53|57P)/.test(code)) return unavailable(`PostgreSQL does not answer: ${reasonOf(error)}`);
  if (code === '42P01') return new Fault('WAREHOUSE_TABLE_MISSING', reasonOf(error), { cause: error });
  if (code === '42501') return new Fault('WAREHOUSE_DENIED', reasonOf(error), { cause: error });
  return error;
}

function notUp(): never {
  throw new Fault('WAREHOUSE_UNAVAILABLE', 'the warehouse is not up yet');
}
