/**
 * A sink of rows, in tables that are made where they are missing: of a `table` one row an event, of a `dimension` one a key. Rows and
 * checkpoint go in together (D3); a row that PostgreSQL refuses for what it is, is rejected by itself, and no other suffers.
 */
import type { ClientBase } from 'pg';
import type { TopicPartition } from '../../log/log.ts';
import type { DimensionSink, TableSink } from '../../pipeline/pipeline.ts';
import { lend, withAnswersWithin } from '../../stores/warehouse/connection-pool.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';
import type { Sink } from '../sink.ts';
import { ensureCheckpoints } from './checkpoint-row.ts';
import { tablesOf } from './dimension-tables.ts';
import { ensureTable } from './ensure-table.ts';
import { mergedRows } from './merged-rows.ts';
import { monthPartitions } from './month-partitions.ts';
import { plainRows } from './plain-rows.ts';
import { explained } from './privileges.ts';
import type { RowLanding } from './row-landing.ts';
import { TablePartition } from './table-partition.ts';

export interface PostgresSinkOptions<E> {
  readonly warehouse: Warehouse;
  /** Of the log whose offsets the checkpoints count. */
  readonly logId: string;
  /** The pipeline's name: checkpoints are kept under it and the sink's name. */
  readonly pipeline: string;
  readonly definition: TableSink<E> | DimensionSink<E>;
  /** Of a statement of a batch, which the server ends; where it does not say so, the connection is given up soon after. Default 120 s. */
  readonly statementTimeoutMs?: number;
}

/** Opening waits for others who make the table, its index or a partition; beyond, the connection is given up. */
const openLimitMs = 600_000;

/** `open` rejects with WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED or PIPELINE_INVALID where the table cannot be what the definition says. */
export function createPostgresSink<E>(options: PostgresSinkOptions<E>): Sink<E> {
  const { definition, logId, pipeline, statementTimeoutMs } = options;
  const { pool } = options.warehouse;
  const landing = landingOf(definition);

  async function open(client: ClientBase, at: TopicPartition): Promise<TablePartition<E>> {
    await ensureCheckpoints(client);
    await ensureTables(client, definition);
    await landing.months?.refresh(client);
    const key = { logId, pipeline, sink: definition.name, topic: at.topic, partition: at.partition };
    return TablePartition.open(client, { pool, key, definition, landing, statementTimeoutMs });
  }

  return {
    name: definition.name,
    open: async (at) => {
      const client = await lend(pool);
      try {
        const partition = await withAnswersWithin(client, openLimitMs, () => open(client, at));
        client.release();
        return partition;
      } catch (error) {
        client.release(true);
        throw await explained(error, pool, landing.needs(false));
      }
    },
  };
}

/** Makes what is missing of them. @throws Fault WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED, PIPELINE_INVALID */
export async function ensureTables(
  client: ClientBase,
  definition: TableSink<never> | DimensionSink<never>,
): Promise<void> {
  const tables = definition.kind === 'table' ? [definition] : tablesOf(definition);
  for (const table of tables) await ensureTable(client, table);
}

function landingOf(definition: TableSink<never> | DimensionSink<never>): RowLanding {
  if (definition.kind === 'dimension') return mergedRows(definition);
  return plainRows(definition, monthPartitions(definition.name));
}
