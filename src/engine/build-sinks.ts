/** From a pipeline's sink definitions to sinks on the engine's stores. */
import type { Config } from '../config/config.ts';
import type { Pipeline, SinkDefinition } from '../pipeline/pipeline.ts';
import { objectFormatOf } from './object-formats.ts';
import { createObjectsSink } from '../sinks/objects/objects-sink.ts';
import { createPostgresSink } from '../sinks/postgres/postgres-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { Engine } from './engine.ts';
import { type WarehouseStatus, watchedSink } from './warehouse-status.ts';

export interface SinkParts {
  readonly config: Pick<Config, 'objectFormat'>;
  readonly engine: Engine;
}

/** @param warehouse where the pipeline has a table @param status told how each attempt on the warehouse went */
export function buildSinks(
  pipeline: Pipeline,
  { config, engine }: SinkParts,
  warehouse: Warehouse | undefined,
  status: WarehouseStatus,
): readonly Sink<object>[] {
  return pipeline.sinks.map((definition) => {
    const sink = buildSink(definition, pipeline, { config, engine }, warehouse);
    return definition.kind === 'objects' ? sink : watchedSink(sink, pipeline.name, status);
  });
}

function buildSink(
  definition: SinkDefinition<object>,
  pipeline: Pipeline,
  { config, engine: { objects, log, registry } }: SinkParts,
  warehouse: Warehouse | undefined,
): Sink<object> {
  if (definition.kind !== 'objects') {
    if (!warehouse) throw new Error(`${pipeline.name} has the table ${definition.name}, and no warehouse`);
    return createPostgresSink({ warehouse, logId: log.id, pipeline: pipeline.name, definition });
  }
  const { name, key } = definition;
  return createObjectsSink({ store: objects, name, key, format: () => objectFormatOf(pipeline, config, registry) });
}
