/**
 * Keeps an embedded PostgreSQL running until it is stopped: when it ends by itself (a full disk, a kill) it is started
 * again, after 0.1 s, then twice as long each time, up to 5 s. Its socket stays where it was, so that clients find it again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { removeStaleSocketLock, waitForPreviousServer } from './lock-file.ts';
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts';

const firstPauseMs = 100;
const longestPauseMs = 5_000;

export interface Supervisor {
  stop(): Promise<void>;
}

/** Resolves when the server takes connections for the first time. @throws Fault WAREHOUSE_IN_USE, WAREHOUSE_UNAVAILABLE */
export async function supervise(options: ServerOptions): Promise<Supervisor> {
  const stopping = new AbortController();
  let server = await start(options);
  const watching = watch();

  async function watch(): Promise<void> {
    for (;;) {
      await server.ended;
      if (stopping.signal.aborted) return;
      options.log(`PostgreSQL on ${options.dataDir} ended by itself: starting it again`);
      const next = await startAgain(options, stopping.signal);
      if (!next) return;
      server = next;
      options.log(`PostgreSQL on ${options.dataDir} runs again`);
      if (stopping.signal.aborted) await server.stop();
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await server.stop();
    await watching;
  }

  return { stop };
}

async function start(options: ServerOptions): Promise<ServerProcess> {
  const { dataDir, settings } = options;
  await waitForPreviousServer(dataDir);
  await removeStaleSocketLock(dataDir, String(settings['unix_socket_directories']), Number(settings['port']));
  return startServer(options);
}

/** Undefined when it was told to stop. */
async function startAgain(options: ServerOptions, signal: AbortSignal): Promise<ServerProcess | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
    try {
      return await start({ ...options, signal });
    } catch (error) {
      if (signal.aborted) return undefined;
      options.log(`PostgreSQL does not start again: ${(error as Error).message}`);
    }
  }
}
