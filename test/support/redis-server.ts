/** Redis of a test's own, which it may kill, freeze, empty, and give back an earlier state. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisOf } from '../../src/services/redis.ts';
import { RunningService } from '../../src/services/running-service.ts';
import { freePort } from '../../src/services/free-ports.ts';

export interface OwnRedis {
  readonly url: string;
  /** As with kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP: it answers nothing, and its connections stay. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** What it has by now. */
  save(): Promise<void>;
  /** What it had when it was last saved is all it has when it starts again. It must not run. */
  goBack(): Promise<void>;
  /** Any command, by a client of its own. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  dispose(): Promise<void>;
}

/** @param settings as in redis.conf. Default: all that is written is on disk before it is answered */
export async function ownRedis(settings: Readonly<Record<string, string>> = {}): Promise<OwnRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-redis-'));
  const aside = `${dir}-saved`;
  const journal = join(dir, 'appendonlydir');
  const server = redisOf(await freePort(), { appendonly: 'yes', appendfsync: 'always', ...settings });
  const service = new RunningService(server, dir);
  await service.up();
  const signal = async (name: 'SIGSTOP' | 'SIGCONT'): Promise<void> =>
    process.kill((await service.pid())!, name) as never;
  return {
    url: server.address,
    kill: () => service.down('SIGKILL'),
    start: () => service.up(),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    save: async () => {
      await rm(aside, { recursive: true, force: true });
      await cp(journal, aside, { recursive: true });
    },
    goBack: async () => {
      await rm(journal, { recursive: true });
      await cp(aside, journal, { recursive: true });
    },
    command: async (name, ...args) => {
      const client = new Redis(server.address);
      try {
        return await client.call(name, ...args);
      } finally {
        client.disconnect();
      }
    },
    dispose: async () => {
      await service.down('SIGKILL');
      for (const each of [dir, aside]) await rm(each, { recursive: true, force: true });
    },
  };
}
