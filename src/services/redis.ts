/**
 * Redis: the `redis-server` of the machine, else the one of Debian's package `redis-tools`, which is unpacked into the cache and needs no
 * root rights: its `redis-check-rdb` is the server, under another name.
 */
import { execFile } from 'node:child_process';
import { glob, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cacheDir, execute } from './cache.ts';
import type { Command, Service } from './service.ts';

const run = promisify(execFile);

/** With the libraries that Debian has only where Redis is installed. */
const packages = ['redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];
const unpacked = 'redis-debian';

export const redis = redisOf(16_379);

/** Its address goes into REDIS_URL. @param settings as in redis.conf; nothing is kept over a restart unless they say so */
export function redisOf(port: number, settings: Readonly<Record<string, string>> = {}): Service {
  return {
    name: 'redis',
    address: `redis://127.0.0.1:${port}`,
    install: async () => {
      if ((await installed()) === undefined) await cached(unpacked, unpack);
    },
    prepare: (dir) => writeFile(join(dir, 'redis.conf'), configuration(dir, { port: String(port), ...settings })),
    command: async (dir) => {
      const { file, args } = await server();
      return { file, args: [...args, join(dir, 'redis.conf')] };
    },
    isReady: (log) => log.includes('Ready to accept connections'),
  };
}

function configuration(dir: string, settings: Readonly<Record<string, string>>): string {
  const all = { bind: '127.0.0.1', dir, save: '""', appendonly: 'no', 'maxmemory-policy': 'noeviction', ...settings };
  return Object.entries(all)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

async function server(): Promise<Command> {
  const found = await installed();
  if (found !== undefined) return { file: found, args: [] };
  const root = join(cacheDir, unpacked);
  const libraries = await Array.fromAsync(glob(join(root, 'usr', 'lib', '*-linux-*')));
  return { file: 'env', args: [`LD_LIBRARY_PATH=${libraries.join(delimiter)}`, join(root, 'redis-server')] };
}

/** In PATH. */
async function installed(): Promise<string | undefined> {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(dir, 'redis-server');
    if (dir !== '' && (await stat(file).catch(() => undefined))?.isFile()) return file;
  }
  return undefined;
}

async function unpack(dir: string): Promise<void> {
  const download = () => run('apt-get', ['download', '-qq', ...packages], { cwd: dir });
  try {
    // A new machine has no lists of packages.
    await download().catch(() => run('apt-get', ['update', '-qq']).then(download));
  } catch (cause) {
    const advice = 'install Redis 7 or newer, or on Debian run apt-get update as root';
    throw new Error(`there is no redis-server in PATH, and apt-get cannot download redis-tools: ${advice}`, { cause });
  }
  for (const file of await readdir(dir)) {
    await execute('dpkg-deb', ['-x', join(dir, file), dir]);
    await rm(join(dir, file));
  }
  await symlink(join('usr', 'bin', 'redis-check-rdb'), join(dir, 'redis-server')); // its name decides what it is
}
