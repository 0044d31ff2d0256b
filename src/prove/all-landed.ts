/** Waits until everything that was acknowledged has landed, as another process sees it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.ts';
import { openEngineReader } from '../engine/engine.ts';
import { consumersOf } from '../engine/landing.ts';
import { isFault } from '../errors.ts';
import type { EventApp } from '../pipeline/app.ts';
import { readLag } from '../processing/lag.ts';

/**
 * Another process sees the log's end a moment after it was acknowledged: so it is compared with what was, and twice.
 * False where it takes longer.
 * @param accepted how many events
 */
export async function allLanded(
  { app: { pipeline }, config }: { readonly app: EventApp; readonly config: Config },
  accepted: number,
  timeoutMs: number,
): Promise<boolean> {
  const reader = await openEngineReader(config);
  const isAllThere = async (): Promise<boolean> => {
    const rows = await readLag(reader, consumersOf([pipeline]));
    const processed = rows.filter(({ consumer }) => consumer === pipeline.name);
    const committed = processed.reduce((sum, row) => sum + row.committed, 0);
    return committed >= accepted && rows.every(({ lag }) => lag === 0);
  };
  try {
    let times = 0;
    for (const until = Date.now() + timeoutMs; times < 2 && Date.now() < until; await sleep(100)) {
      const isThere = await isAllThere().catch((error: unknown) => {
        if (isFault(error, 'LOG_UNAVAILABLE') || isFault(error, 'STATE_UNAVAILABLE')) return false; // servers that are just back
        throw error;
      });
      times = isThere ? times + 1 : 0;
    }
    return times === 2;
  } finally {
    await reader.close();
  }
}
