/** From a pipeline's sink definitions to sinks on the engine's stores. */
import { stringifyEvent } from '../event/verbatim.ts';
import type { Pipeline, SinkDefinition } from '../pipeline/pipeline.ts';
import { createObjectsSink } from '../sinks/objects/objects-sink.ts';
import { createPostgresSink } from '../sinks/postgres/postgres-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { Engine } from './engine.ts';
import { type WarehouseStatus, watchedSink } from './warehouse-status.ts';

/** @param warehouse where the pipeline has a table @param status told how each attempt on the warehouse went */
export function buildSinks(
  pipeline: Pipeline,
  engine: Engine,
  warehouse: Warehouse | undefined,
  status: WarehouseStatus,
): readonly Sink<object>[] {
  return pipeline.sinks.map((definition) => {
    const sink = buildSink(definition, pipeline, engine, warehouse);
    return definition.kind === 'objects' ? sink : watchedSink(sink, pipeline.name, status);
  });
}

function buildSink(
  definition: SinkDefinition<object>,
  pipeline: Pipeline,
  { objects, log }: Engine,
  warehouse: Warehouse | undefined,
): Sink<object> {
  if (definition.kind !== 'objects') {
    if (!warehouse) throw new Error(`${pipeline.name} has the table ${definition.name}, and no warehouse`);
    return createPostgresSink({ warehouse, logId: log.id, pipeline: pipeline.name, definition });
  }
  const { name, key } = definition;
  return createObjectsSink({ store: objects, name, key, serialise: stringifyEvent });
}
