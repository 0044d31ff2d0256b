/** What the server says of a batch while it is sent, and how it is made to end: both by the key that it is sent with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../errors.ts';
import { ask } from '../server/ask-server.ts';
import type { ReachedServer } from '../server/reach-server.ts';
import type { LoadProgress } from './load-progress.ts';

export interface SentBatch {
  readonly server: ReachedServer;
  /** Of the endpoint. */
  readonly path: string;
  readonly key: string;
}

interface Status {
  readonly batch_id: string;
  readonly state: string;
  readonly rows: number;
}

const askEveryMs = 1_000;

/** Until the signal. What cannot be told now is asked again: the batch itself does not depend on it. */
export async function watchBatch(batch: SentBatch, progress: LoadProgress, signal: AbortSignal): Promise<void> {
  const pause = (): Promise<boolean> => sleep(askEveryMs, true, { signal }).catch(() => false);
  while (await pause()) {
    const status = await statusOf(batch).catch(() => undefined);
    if (status && !signal.aborted) progress.status(status.state, status.rows);
  }
}

/** What it has come to; undefined where the server has never begun with it. @throws Fault */
export async function cancelBatch(batch: SentBatch): Promise<Status | undefined> {
  const status = await statusOf(batch);
  if (!status || (status.state !== 'receiving' && status.state !== 'validating')) return status;
  return (await ask(batch.server, 'DELETE', `${batch.path}/${status.batch_id}`)) as Status;
}

async function statusOf({ server, path, key }: SentBatch): Promise<Status | undefined> {
  try {
    return (await ask(server, 'GET', `${path}?idempotency_key=${encodeURIComponent(key)}`)) as Status;
  } catch (error) {
    if (isFault(error, 'BATCH_UNKNOWN')) return undefined;
    throw error;
  }
}
