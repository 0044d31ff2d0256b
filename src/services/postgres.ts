/** PostgreSQL: Debian's, where it is installed, else the binaries that the embedded warehouse has. Whoever reaches its port may log in. */
import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinaries } from '../stores/warehouse/embedded/binaries.ts';
import { unprivilegedUser } from '../stores/warehouse/embedded/unprivileged-user.ts';
import { execute } from './cache.ts';
import type { Service } from './service.ts';

export const postgres = postgresOf(15_432);

/** Its address goes into DATABASE_URL. */
export function postgresOf(port: number): Service {
  return {
    name: 'postgres',
    address: `postgres://test@127.0.0.1:${port}/postgres`,
    install: async () => void (await binaries()),
    prepare,
    command: async (dir) => {
      const as = await unprivilegedUser(join(dir, 'data'));
      const settings = [`-cport=${port}`, '-clisten_addresses=127.0.0.1', '-cunix_socket_directories='];
      const [file = '', ...args] = [...as.prefix, (await binaries()).postgres, '-D', join(dir, 'data'), ...settings];
      return { file, args, ...(as.ids && { ids: as.ids }) };
    },
    isReady: (log) => log.includes('database system is ready to accept connections'),
    stopSignal: 'SIGINT', // the one of SIGTERM waits for clients to leave
  };
}

async function prepare(dir: string): Promise<void> {
  const data = join(dir, 'data');
  if (await stat(join(data, 'PG_VERSION')).catch(() => undefined)) return;
  const as = await unprivilegedUser(data);
  const flags = ['-D', data, '-U', 'test', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const [file = '', ...args] = [...as.prefix, (await binaries()).initdb, ...flags];
  await execute(file, args, as.ids);
}

async function binaries(): Promise<{ readonly initdb: string; readonly postgres: string }> {
  const found = (await Array.fromAsync(glob('/usr/lib/postgresql/*/bin'))).toSorted().at(-1);
  return found === undefined ? findBinaries() : { initdb: join(found, 'initdb'), postgres: join(found, 'postgres') };
}
