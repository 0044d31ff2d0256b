/** From a pipeline's sink definitions to sinks on the engine's stores. */
import { stringifyEvent } from '../event/verbatim.ts';
import type { Pipeline, SinkDefinition } from '../pipeline/pipeline.ts';
import { createObjectsSink } from '../sinks/objects/objects-sink.ts';
import { createPostgresSink } from '../sinks/postgres/postgres-sink.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { Engine } from './engine.ts';

export function buildSinks(pipeline: Pipeline, engine: Engine, warehouse: Warehouse): readonly Sink<object>[] {
  return pipeline.sinks.map((definition) => buildSink(definition, pipeline, engine, warehouse));
}

function buildSink(
  definition: SinkDefinition<object>,
  pipeline: Pipeline,
  { objects, log }: Engine,
  warehouse: Warehouse,
): Sink<object> {
  if (definition.kind === 'table') {
    return createPostgresSink({ warehouse, logId: log.id, pipeline: pipeline.name, definition });
  }
  const { name, key } = definition;
  return createObjectsSink({ store: objects, name, key, serialise: stringifyEvent });
}
