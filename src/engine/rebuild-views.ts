/**
 * Rebuilds a view on the engine that the configuration names, beside the server that runs, or without one. Partitions of a large log
 * are counted in processes of their own (part-processes.ts).
 */
import type { Config } from '../config/config.ts';
import type { LogReader, OffsetRange } from '../log/log.ts';
import { partitionsOf } from '../log/partitions.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { rebuildView, type Rebuilt, type RebuildProgress } from '../views/rebuild.ts';
import type { AnyView } from '../views/rows.ts';
import { PartProcesses } from './part-processes.ts';
import { openRebuildParts } from './rebuild-parts.ts';

export interface RebuildRequest {
  readonly isPartial: boolean;
  readonly onProgress: (progress: RebuildProgress) => void;
  /** From so many records on each partition has a process of its own, which takes half a second to begin. Default 100,000. */
  readonly processesFromRecords?: number;
}

/** @throws as `rebuildView` */
export async function rebuildInEngine(
  config: Config,
  pipeline: Pipeline,
  view: AnyView,
  { isPartial, onProgress, processesFromRecords = 100_000 }: RebuildRequest,
): Promise<Rebuilt & { readonly skipped: number }> {
  const parts = await openRebuildParts(config, pipeline);
  const { log, store, convert, voids } = parts;
  let skipped = 0;
  const onSkipped = (): void => void (skipped += 1);
  let processes: PartProcesses | undefined;
  try {
    const ranges = await rangesOf(log, pipeline.topic.name);
    if (ranges.reduce((sum, { start, end }) => sum + end - start, 0) >= processesFromRecords)
      processes = new PartProcesses({
        config,
        pipeline: pipeline.name,
        view: view.name,
        parts: ranges.length,
        onSkipped,
      });
    const rebuilt = await rebuildView({
      log,
      store,
      of: { logId: log.id, pipeline: pipeline.name, view: view.name },
      topic: pipeline.topic.name,
      view,
      convert,
      settled: voids && (() => voids.settled(log)),
      openPart: processes?.open,
      isPartial,
      onProgress,
      onSkipped,
    });
    return { ...rebuilt, skipped };
  } finally {
    await processes?.stop();
    await parts.close();
  }
}

async function rangesOf(log: LogReader, topic: string): Promise<readonly OffsetRange[]> {
  return Promise.all((await partitionsOf(log, topic)).map((at) => log.range(at)));
}
