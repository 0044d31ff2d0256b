/**
 * A sink of rows: one row an event, in a table partitioned by month that is made where it is missing. Rows and checkpoint
 * go in together (D3); a row that PostgreSQL refuses for what it is, is rejected by itself, and no other suffers.
 */
import type { ClientBase } from 'pg';
import type { TopicPartition } from '../../log/log.ts';
import type { TableSink } from '../../pipeline/pipeline.ts';
import { lend, withAnswersWithin } from '../../stores/warehouse/connection-pool.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';
import type { Sink } from '../sink.ts';
import { ensureCheckpoints } from './checkpoint-row.ts';
import { ensureTable } from './ensure-table.ts';
import { monthPartitions } from './month-partitions.ts';
import { explained } from './privileges.ts';
import { TablePartition } from './table-partition.ts';

export interface PostgresSinkOptions<E> {
  readonly warehouse: Warehouse;
  /** Of the log whose offsets the checkpoints count. */
  readonly logId: string;
  /** The pipeline's name: checkpoints are kept under it and the sink's name. */
  readonly pipeline: string;
  readonly definition: TableSink<E>;
  /** Of a statement of a batch, which the server ends; where it does not say so, the connection is given up soon after. Default 120 s. */
  readonly statementTimeoutMs?: number;
}

/** Opening waits for others who make the table, its index or a partition; beyond, the connection is given up. */
const openLimitMs = 600_000;

/** `open` rejects with WAREHOUSE_TABLE_DIFFERS, WAREHOUSE_DENIED or PIPELINE_INVALID where the table cannot be what the definition says. */
export function createPostgresSink<E>(options: PostgresSinkOptions<E>): Sink<E> {
  const { definition, logId, pipeline, statementTimeoutMs } = options;
  const { pool } = options.warehouse;
  const months = monthPartitions(definition.name);

  async function open(client: ClientBase, at: TopicPartition): Promise<TablePartition<E>> {
    await ensureCheckpoints(client);
    await ensureTable(client, definition);
    await months.refresh(client);
    const key = { logId, pipeline, sink: definition.name, topic: at.topic, partition: at.partition };
    return TablePartition.open(client, { pool, key, definition, months, statementTimeoutMs });
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
        throw await explained(error, pool, definition.name, false);
      }
    },
  };
}
