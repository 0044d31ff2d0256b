/** Rebuilds a view on the engine that the configuration names, beside the server that runs, or without one. */
import type { Config } from '../config/config.ts';
import { VoidMarks } from '../ingest/void-marks.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { pipelineConverter } from '../processing/convert.ts';
import { withoutVoid } from '../processing/void-packages.ts';
import { createCodecs } from '../schemas/codecs.ts';
import { rebuildView, type Rebuilt, type RebuildProgress } from '../views/rebuild.ts';
import type { AnyView } from '../views/rows.ts';
import { closeRegistry, dataPaths, openEngineLogReader, openRegistryReader } from './engine.ts';
import { openStateStores } from './state-stores.ts';

export interface RebuildRequest {
  readonly isPartial: boolean;
  readonly onProgress: (progress: RebuildProgress) => void;
}

/** @throws as `rebuildView` */
export async function rebuildInEngine(
  config: Config,
  pipeline: Pipeline,
  view: AnyView,
  { isPartial, onProgress }: RebuildRequest,
): Promise<Rebuilt & { readonly skipped: number }> {
  const log = await openEngineLogReader(config);
  const registry = await openRegistryReader(config);
  const { state, views } = await openStateStores(config, dataPaths(config.dataDir).state);
  let skipped = 0;
  try {
    const voids = log.writtenEnd && new VoidMarks(views, log.id);
    const rebuilt = await rebuildView({
      log,
      store: views,
      of: { logId: log.id, pipeline: pipeline.name, view: view.name },
      topic: pipeline.topic.name,
      view,
      convert: withoutVoid(pipelineConverter(pipeline, createCodecs(registry)), voids),
      settled: voids && (() => voids.settled(log)),
      isPartial,
      onProgress,
      onSkipped: () => (skipped += 1),
    });
    return { ...rebuilt, skipped };
  } finally {
    await log.close();
    await state.close();
    await views.close();
    await closeRegistry(registry);
  }
}
