/** What the trail of an event is read from, beside a running server and without it. */
import type { TrailOptions } from '../../trail/trail.ts';
import { type ConfigOptions, configOf } from '../options.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';

export async function withTrail<T>(options: ConfigOptions, use: (trail: TrailOptions) => Promise<T>): Promise<T> {
  const config = configOf(options);
  const [
    { Letters },
    { readStatuses },
    { openEngineReader },
    { loadApps },
    { createCodecs },
    { reachWarehouse },
    { VoidMarks },
  ] = await Promise.all([
    import('../../dead-letters/letters.ts'),
    import('../../dead-letters/repair-statuses.ts'),
    import('../../engine/engine.ts'),
    import('../../engine/load-apps.ts'),
    import('../../schemas/codecs.ts'),
    import('../sql/reach-warehouse.ts'),
    import('../../ingest/void-marks.ts'),
  ]);
  const pipelines = pipelinesOf(await loadApps(config));
  const reader = await openEngineReader(config);
  let reached: Promise<Warehouse> | undefined;
  try {
    const { log, state, views } = reader;
    const statuses = await readStatuses(log, state);
    const objects = await reader.objects();
    const voids = new VoidMarks(views, log.id);
    const letters = new Letters({ log, statuses, pipelines, objects, voids });
    const codecs = createCodecs(await reader.registry());
    const warehouse = () => (reached ??= reachWarehouse(config));
    return await use({ log, state, statuses, letters, voids, pipelines, codecs, objects, warehouse });
  } finally {
    await reached?.then(
      (warehouse) => warehouse.close(),
      () => undefined, // who asked for it has been told
    );
    await reader.close();
  }
}
