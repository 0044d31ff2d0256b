/**
 * How things are by now: the running server is asked; where none runs on the data directory, what its files tell. A server that is named
 * (`--to`), or that refuses us, is not replaced by files.
 */
import type { StatusAnswer, StatusLag } from '../../api/admin/status.ts';
import { isFault } from '../../errors.ts';
import { configOf } from '../options.ts';
import { askWithin } from '../server/ask-server.ts';
import { type ReachedServer, reachServer, type ServerOptions } from '../server/reach-server.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';

export interface Status extends Partial<Omit<StatusAnswer, 'lag' | 'disk'>> {
  /** The server's URL, or the data directory. */
  readonly of: string;
  readonly isRunning: boolean;
  readonly lag: readonly StatusLag[];
  readonly disk: StatusAnswer['disk'];
  /** For rates, from any beginning. */
  readonly atMs: number;
}

const answerWithinMs = 5_000;

/** @throws Fault of the server's, LOG_MISSING */
export async function readStatus(options: ServerOptions): Promise<Status> {
  try {
    return await fromServer(await reachServer(options));
  } catch (error) {
    if (options.to !== undefined || !isFault(error, 'SERVER_UNREACHABLE')) throw error;
    return fromFiles(options);
  }
}

async function fromServer(server: ReachedServer): Promise<Status> {
  const answer = (await askWithin(answerWithinMs, server, 'GET', '/admin/status')) as StatusAnswer;
  return { ...answer, of: server.url, isRunning: true, atMs: answer.uptimeMs };
}

async function fromFiles(options: ServerOptions): Promise<Status> {
  const config = configOf(options);
  const [{ openEngineReader }, { consumersOf }, { loadApps }, { readLag }, { diskSpace }] = await Promise.all([
    import('../../engine/engine.ts'),
    import('../../engine/landing.ts'),
    import('../../engine/load-apps.ts'),
    import('../../processing/lag.ts'),
    import('../../engine/disk-space.ts'),
  ]);
  const consumers = consumersOf(pipelinesOf(await loadApps(config)));
  const reader = await openEngineReader(config);
  try {
    const [lag, disk] = await Promise.all([readLag(reader, consumers), diskSpace(config.dataDir)]);
    return { of: config.dataDir, isRunning: false, lag, disk, atMs: performance.now() };
  } finally {
    await reader.close();
  }
}
