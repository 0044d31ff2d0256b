/** A PostgreSQL server of a test's own, which it may stop, and start again with what it had. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresOf } from '../../src/services/postgres.ts';
import { RunningService } from '../../src/services/running-service.ts';
import { freePort } from '../../src/services/free-ports.ts';

export interface OwnPostgres {
  readonly url: string;
  /** As a crash would: nothing is finished, nobody is told. */
  crash(): Promise<void>;
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export async function ownPostgres(): Promise<OwnPostgres> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-postgres-'));
  const server = postgresOf(await freePort());
  const service = new RunningService(server, dir);
  await service.up();
  return {
    url: server.address,
    crash: () => service.down('SIGQUIT'),
    start: () => service.up(),
    dispose: async () => {
      await service.down('SIGQUIT');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
