/** Dead letters as any process may read them, beside a running server and without it. */
import type { Letters } from '../../dead-letters/letters.ts';
import { type ConfigOptions, configOf } from '../options.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';

export async function withLetters<T>(options: ConfigOptions, use: (letters: Letters) => Promise<T>): Promise<T> {
  const config = configOf(options);
  const [{ Letters }, { readStatuses }, { openEngineReader }, { loadApps }, { VoidMarks }] = await Promise.all([
    import('../../dead-letters/letters.ts'),
    import('../../dead-letters/repair-statuses.ts'),
    import('../../engine/engine.ts'),
    import('../../engine/load-apps.ts'),
    import('../../ingest/void-marks.ts'),
  ]);
  const pipelines = pipelinesOf(await loadApps(config));
  const reader = await openEngineReader(config);
  try {
    const statuses = await readStatuses(reader.log, reader.state);
    const get = async (key: string): Promise<Buffer | undefined> => (await reader.objects()).get(key);
    const voids = new VoidMarks(reader.views, reader.log.id);
    return await use(new Letters({ log: reader.log, statuses, pipelines, objects: { get }, voids }));
  } finally {
    await reader.close();
  }
}
