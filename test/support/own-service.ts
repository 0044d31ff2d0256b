/** A server of a test's own, in a directory of its own: the test may kill it, freeze it, and start it again with what it had. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningService } from '../../src/services/running-service.ts';
import type { Service } from '../../src/services/service.ts';

export interface OwnService {
  readonly dir: string;
  /** As with kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP: it answers nothing, and its connections stay. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  dispose(): Promise<void>;
}

/** Takes some seconds. */
export async function ownService(service: Service): Promise<OwnService> {
  const dir = await mkdtemp(join(tmpdir(), `tributary-${service.name}-`));
  const running = new RunningService(service, dir);
  await running.up();
  const signal = async (name: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
    const pid = await running.pid();
    if (pid !== undefined) process.kill(pid, name);
  };
  return {
    dir,
    kill: () => running.down('SIGKILL'),
    start: () => running.up(),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    dispose: async () => {
      await running.down('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
