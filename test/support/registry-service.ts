/** Real schema registries: the one of `npm run services -- up registry`, which tests share, each with subjects of its own, and others of their own. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registry, registryOf } from '../../scripts/services/registry.ts';
import { RunningService } from '../../scripts/services/running-service.ts';
import { freePorts } from './free-ports.ts';

export const sharedRegistry = registry.address;

/** For subjects that are nobody else's. */
export function ownPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}-`;
}

/** A registry of its own, which a test may kill. */
export interface OwnRegistry {
  readonly url: string;
  /** As with kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP: it answers nothing, and its connections stay. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  dispose(): Promise<void>;
}

/** Takes some seconds. */
export async function ownRegistry(): Promise<OwnRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-registry-'));
  const [port, managementPort] = await freePorts(2);
  const server = registryOf(port!, managementPort!);
  const service = new RunningService(server, dir);
  await service.up();
  const signal = async (name: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
    const pid = await service.pid();
    if (pid !== undefined) process.kill(pid, name);
  };
  return {
    url: server.address,
    kill: () => service.down('SIGKILL'),
    start: () => service.up(),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    dispose: async () => {
      await service.down('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
