/**
 * The port of an environment: the first free one that none beside it has, kept from its first start on, so that it is found there again.
 * Whoever looks for one holds a lock meanwhile: two never get the same.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import { privateMode, replaceDurably } from '../../stores/durable-files.ts';
import { listEnvironments } from './environment.ts';
import { holdLock } from './hold-lock.ts';

/** 8000 is the port of who has no name. */
const firstPort = 8001;

/** With the port that it is to have: the one that was named, else its own. @throws Fault CONFIG_INVALID where none is free */
export async function withOwnPort(config: Config): Promise<Config> {
  if (config.env === undefined || config.port !== 0) return config;
  return { ...config, port: await claimPort(config) };
}

/** From now on this is its port, also where it was named. */
export async function keepPort({ env, dataDir }: Config, url: string): Promise<void> {
  const { port, protocol } = new URL(url);
  if (env !== undefined) await record(dataDir, Number(port) || (protocol === 'https:' ? 443 : 80));
}

async function claimPort({ dataDir, host }: Config): Promise<number> {
  const environments = dirname(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const release = await holdLock(join(environments, '.lock'));
  try {
    const taken = new Set((await listEnvironments(dirname(environments))).map(({ port }) => port));
    for (let port = firstPort; port <= 65_535; port++) {
      if (taken.has(port) || !(await isFree(port, host))) continue;
      await record(dataDir, port);
      return port;
    }
  } finally {
    release();
  }
  throw new Fault('CONFIG_INVALID', `no port from ${firstPort} on is free on ${host}`);
}

async function record(dataDir: string, port: number): Promise<void> {
  await replaceDurably(dataPaths(dataDir).port, `${port}\n`, privateMode);
}

/** @throws what says that there is no such host */
async function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen({ port, host }), 'listening');
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
  const closed = once(probe, 'close');
  probe.close();
  await closed;
  return true;
}
