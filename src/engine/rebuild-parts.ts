/** What whoever counts for a rebuild stands on: the log, the views' store, and the pipeline's events. */
import type { Config } from '../config/config.ts';
import { VoidMarks } from '../ingest/void-marks.ts';
import type { LogReader } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { pipelineConverter } from '../processing/convert.ts';
import { type ConvertOrVoid, withoutVoid } from '../processing/void-packages.ts';
import { createCodecs } from '../schemas/codecs.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { dataPaths } from './data-paths.ts';
import { closeEngine, openEngineLogReader, openRegistryReader } from './engine.ts';
import { openStateStores } from './state-stores.ts';

export interface RebuildParts {
  readonly log: LogReader;
  readonly store: StateStore;
  readonly convert: ConvertOrVoid<object>;
  readonly voids: VoidMarks | undefined;
  close(): Promise<void>;
}

export async function openRebuildParts(config: Config, pipeline: Pipeline): Promise<RebuildParts> {
  const log = await openEngineLogReader(config);
  const registry = await openRegistryReader(config);
  const { state, views } = await openStateStores(config, dataPaths(config.dataDir).state);
  const voids = log.writtenEnd && new VoidMarks(views, log.id);
  return {
    log,
    store: views,
    convert: withoutVoid(pipelineConverter(pipeline, createCodecs(registry)), voids),
    voids,
    close: () => closeEngine({ log, state, views, registry }),
  };
}
