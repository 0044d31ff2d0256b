/** A pipeline that can be proved by envelopes: what of it the judgement needs. */
import { Fault } from '../../errors.ts';
import type { Deduplication, Envelope, ObjectsSink, Pipeline } from '../../pipeline/pipeline.ts';
import { packageSource } from '../../pipeline/source-paths.ts';

export interface ProvenPipeline {
  readonly pipeline: Pipeline;
  readonly envelope: Envelope;
  readonly deduplicate: Deduplication<object>;
  readonly objects: ObjectsSink<object>;
}

/** @throws Fault USAGE for a pipeline of which it is not known which events are the same, or that has no objects */
export function provenPipeline(pipeline: Pipeline): ProvenPipeline {
  const { envelope } = packageSource(pipeline);
  const { deduplicate } = pipeline.process;
  const objects = pipeline.sinks.find((sink): sink is ObjectsSink<object> => sink.kind === 'objects');
  if (!envelope || !deduplicate || !objects)
    throw new Fault('USAGE', `${pipeline.name} cannot be proved: it needs objects, and a key to deduplicate by`);
  return { pipeline, envelope, deduplicate, objects };
}
