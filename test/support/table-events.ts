/** The sink contract's events as rows of a table of the shape that pipelines use. */
import { createHash } from 'node:crypto';
import { escapeIdentifier } from 'pg';
import { Reject } from '../../src/event/reject.ts';
import type { TopicPartition } from '../../src/log/log.ts';
import { jsonb, text, timestamptz, uuid } from '../../src/pipeline/columns.ts';
import type { TableSink } from '../../src/pipeline/pipeline.ts';
import { createPostgresSink } from '../../src/sinks/postgres/postgres-sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import type { TestEvent } from '../contracts/sink.ts';

export interface TableEvent extends TestEvent {
  readonly type?: string;
}

export function tableOf(name: string): TableSink<TableEvent> {
  return {
    kind: 'table',
    name,
    columns: { timestamp_stamp: timestamptz(), message_id_stamp: uuid(), type: text(), data: jsonb() },
    partitionBy: { column: 'timestamp_stamp', every: 'month' },
    indexes: [['type']],
    correlationId: 'message_id_stamp',
    row: ({ id, time, type, data, bad }) => {
      if (bad) throw new Reject('data.bad', 'something good');
      return { timestamp_stamp: time, message_id_stamp: uuidOf(id), type: type ?? id, data };
    },
  };
}

export function uuidOf(id: string): string {
  const hex = createHash('sha256').update(id).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

export function sinkInto(warehouse: Warehouse, definition: TableSink<TableEvent>, logId = 'log'): Sink<TableEvent> {
  return createPostgresSink({ warehouse, logId, pipeline: 'test', definition });
}

/** The ids (`type`) of a partition's rows, in the order of their offsets: rows of a table have no other. */
export async function landedIn(warehouse: Warehouse, table: string, at: TopicPartition): Promise<string[]> {
  const found = await warehouse.pool.query<{ type: string }>(
    `SELECT type FROM ${escapeIdentifier(table)} WHERE starts_with(type, $1) ORDER BY split_part(type, ' ', 3)::int`,
    [`${at.topic} ${at.partition} `],
  );
  return found.rows.map(({ type }) => type);
}
