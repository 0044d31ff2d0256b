/** PostgreSQL by TCP, from the binaries that the embedded warehouse runs on. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries } from '../../src/stores/warehouse/embedded/binaries.ts';
import { unprivilegedUser } from '../../src/stores/warehouse/embedded/unprivileged-user.ts';
import { execute } from './cache.ts';
import type { Service } from './service.ts';

export async function postgresOf(port: number): Promise<Service> {
  const { initdb, postgres } = await findBinaries();
  const { prefix } = await unprivilegedUser('/');
  return {
    name: 'postgres',
    address: `postgres://test@127.0.0.1:${port}/postgres`,
    install: async () => {},
    prepare: async (dir) => {
      const data = join(dir, 'data');
      if (await stat(join(data, 'PG_VERSION')).catch(() => undefined)) return;
      const flags = ['-D', data, '-U', 'test', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
      const [file = '', ...args] = [...prefix, initdb, ...flags];
      await execute(file, args);
    },
    command: (dir) => {
      const flags = ['-D', join(dir, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', ''];
      const [file = '', ...args] = [...prefix, postgres, ...flags];
      return { file, args };
    },
    isReady: (log) => log.includes('database system is ready to accept connections'),
  };
}
