/** Whether an environment's server takes requests, as it says itself. */
import { request } from 'undici';
import type { Config } from '../../config/config.ts';
import { isFault } from '../../errors.ts';
import { reachOwnServer } from '../server/reach-server.ts';

/** The status with which the server that runs on the data directory answers. Undefined where none does. */
export async function askHealth(config: Config, of: 'live' | 'ready'): Promise<number | undefined> {
  const server = await reachOwnServer(config).catch((error: unknown) => {
    if (isFault(error, 'SERVER_UNREACHABLE')) return undefined;
    throw error;
  });
  if (!server) return undefined;
  try {
    const answer = await request(`${server.url}/health/${of}`, { dispatcher: server.agent });
    await answer.body.dump();
    return answer.statusCode;
  } catch {
    return undefined; // it has begun to listen, or stops to, in this moment
  } finally {
    void server.agent.destroy();
  }
}
