/** The tables of a dimension: the current state, every version where there is a history, and where a batch's rows are staged. */
import { createHash } from 'node:crypto';
import type { Columns } from '../../pipeline/columns.ts';
import type { DimensionSink } from '../../pipeline/pipeline.ts';
import { columnLines, namesOf, type Table } from './table-statements.ts';

export type Dimension = Pick<
  DimensionSink<never>,
  'name' | 'schema' | 'columns' | 'key' | 'order' | 'keep' | 'history' | 'correlationId'
>;

function currentTable({ name, schema, columns, key }: Dimension): Table {
  return { name, schema, columns, primaryKey: key, indexes: [] };
}

/** By its primary key a version finds its neighbours. */
function historyTable(dimension: Dimension): Table | undefined {
  const { key, order, schema, history: name } = dimension;
  if (name === undefined) return undefined;
  return {
    name,
    schema,
    columns: historyColumns(dimension),
    primaryKey: [...key, ...order],
    oneCurrent: key,
    indexes: [],
  };
}

export function tablesOf(dimension: Dimension): readonly Table[] {
  const history = historyTable(dimension);
  return [currentTable(dimension), ...(history ? [history] : [])];
}

function historyColumns({ columns, order }: Dimension): Columns {
  const { type } = columns[order[0] as string]!;
  return { ...columns, valid_from: { type }, valid_to: { type, nullable: true }, is_current: { type: 'boolean' } };
}

/** Names that need no quotes. */
export interface StagingTables {
  readonly rows: string;
  readonly keys: string;
  /** Makes them where this session has none yet. They are empty at the end of each transaction. */
  readonly create: string;
}

/**
 * Temporary ones, named by what they are: a session that a pooler of connections lends to another version of the code may have others. The index refuses
 * what no index of the tables can hold while it can still be told which row it was, and it puts versions in order.
 */
export function stagingTables(dimension: Dimension): StagingTables {
  const { name, schema, columns, key, order } = dimension;
  const lines = columnLines(columns).join(', ');
  const id = createHash('sha256')
    .update(JSON.stringify([schema, name, lines, key, order]))
    .digest('hex')
    .slice(0, 16);
  const [rows, keys] = [`staged_rows_${id}`, `staged_keys_${id}`];
  const keyLines = columnLines(Object.fromEntries(key.map((column) => [column, columns[column]!]))).join(', ');
  const create = [
    'SET LOCAL client_min_messages = warning', // that they are there already
    `CREATE TEMPORARY TABLE IF NOT EXISTS ${rows} (${lines}) ON COMMIT DELETE ROWS`,
    `CREATE INDEX IF NOT EXISTS ${rows}_order ON ${rows} (${namesOf([...key, ...order])})`,
    `CREATE TEMPORARY TABLE IF NOT EXISTS ${keys} (${keyLines}) ON COMMIT DELETE ROWS`,
  ].join('; ');
  return { rows, keys, create };
}
