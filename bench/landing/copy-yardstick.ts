/** The yardstick: the rows that landed, as a file of COPY's text format, into an empty table like theirs. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { escapeIdentifier, type PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Pipeline, TableSink } from '../../src/pipeline/pipeline.ts';
import { ensureTable } from '../../src/sinks/postgres/ensure-table.ts';
import { monthPartitions } from '../../src/sinks/postgres/month-partitions.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { copyFile, type CopyTool, findCopyTool } from '../copy-file.ts';

const suffix = '_by_copy';

export class CopyYardstick {
  readonly tool: CopyTool;
  readonly #definition: TableSink<never>;
  readonly #file: string;

  static async make(definition: TableSink<never>, file: string): Promise<CopyYardstick> {
    return new CopyYardstick(definition, file, await findCopyTool());
  }

  private constructor(definition: TableSink<never>, file: string, tool: CopyTool) {
    this.#definition = definition;
    this.#file = file;
    this.tool = tool;
  }

  /** In the order in which they landed: by transaction, then as the log took them. */
  async export({ pool }: Warehouse): Promise<void> {
    const { name } = this.#definition;
    const select = `SELECT ${this.#columns()} FROM ${escapeIdentifier(name)} ORDER BY xmin::text::bigint, correlation_id`;
    await withClient(pool, (client) =>
      pipeline(client.query(copyTo(`COPY (${select}) TO STDOUT`)), createWriteStream(this.#file)),
    );
  }

  /** Answers the seconds that the rows took. */
  async copy(warehouse: Warehouse): Promise<number> {
    const { pool } = warehouse;
    const table = escapeIdentifier(this.#definition.name + suffix);
    await withClient(pool, (client) => this.#makeEmptyTable(client));
    await pool.query('CHECKPOINT');
    const target = `${table} (${this.#columns()})`;
    const seconds = await copyFile(warehouse, this.tool, { file: this.#file, target });
    await this.#compare({ pool });
    return seconds;
  }

  #columns(): string {
    return Object.keys(this.#definition.columns).map(escapeIdentifier).join(', ');
  }

  async #makeEmptyTable(client: PoolClient): Promise<void> {
    const { name, partitionBy } = this.#definition;
    await ensureTable(client, { ...this.#definition, name: name + suffix });
    const { rows } = await client.query<{ month: string }>(
      `SELECT DISTINCT to_char(${escapeIdentifier(partitionBy.column)} AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM ${escapeIdentifier(name)}`,
    );
    await monthPartitions(name + suffix).make(
      client,
      rows.map(({ month }) => month),
    );
  }

  async #compare({ pool }: Pick<Warehouse, 'pool'>): Promise<void> {
    const { name } = this.#definition;
    const { rows } = await pool.query<{ landed: string; copied: string }>(
      `SELECT (SELECT count(*) FROM ${escapeIdentifier(name)}) AS landed, (SELECT count(*) FROM ${escapeIdentifier(name + suffix)}) AS copied`,
    );
    const [counts] = rows;
    if (counts?.landed !== counts?.copied)
      throw new Error(`${counts?.landed} rows landed, ${counts?.copied} were copied`);
  }

  /** Everything that landing and copying left in the database. */
  async dropTables({ pool }: Warehouse): Promise<void> {
    const { name } = this.#definition;
    await pool.query(
      `DROP TABLE IF EXISTS ${escapeIdentifier(name)}, ${escapeIdentifier(name + suffix)}, tributary_checkpoints`,
    );
    await pool.query('CHECKPOINT');
  }
}

export function tableOf({ name, sinks }: Pipeline): TableSink<never> {
  const table = sinks.find((sink) => sink.kind === 'table');
  if (table === undefined) throw new Error(`${name} has no table`);
  return table;
}

async function withClient<T>(pool: Warehouse['pool'], use: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}
