/** Environments run detached: a test that fails would leave them behind. */
import { listEnvironments } from '../../src/cli/env/environment.ts';
import { until } from './until.ts';

/** @param root the data directory that they lie in; it may be missing */
export async function killEnvironments(root: string): Promise<void> {
  for (const { server } of await listEnvironments(root)) if (server) process.kill(server.pid, 'SIGKILL');
  await until(async () => (await listEnvironments(root)).every(({ state }) => state === 'stopped'));
}
