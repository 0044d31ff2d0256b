/** Redis of a test's own, which it may kill, freeze, empty, and give back an earlier state. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisOf } from '../../src/services/redis.ts';
import { freePort } from '../../src/services/free-ports.ts';
import { type OwnService, ownService } from './own-service.ts';

export interface OwnRedis extends OwnService {
  readonly url: string;
  /** What it has by now. */
  save(): Promise<void>;
  /** What it had when it was last saved is all it has when it starts again. It must not run. */
  goBack(): Promise<void>;
  /** Any command, by a client of its own. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
}

/** @param settings as in redis.conf. Default: all that is written is on disk before it is answered */
export async function ownRedis(settings: Readonly<Record<string, string>> = {}): Promise<OwnRedis> {
  const server = redisOf(await freePort(), { appendonly: 'yes', appendfsync: 'always', ...settings });
  const own = await ownService(server);
  const aside = `${own.dir}-saved`;
  const journal = join(own.dir, 'appendonlydir');
  return {
    ...own,
    url: server.address,
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
      await own.dispose();
      await rm(aside, { recursive: true, force: true });
    },
  };
}
