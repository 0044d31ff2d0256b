/**
 * What is known of an environment on this machine. That it runs is told by the lock of its data directory, which dies with its process:
 * what a killed server has left of itself says nothing.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { announcedServer, type AnnouncedServer } from '../../api/running-server.ts';
import type { Config } from '../../config/config.ts';
import { isEnvironmentName, recordedPort } from '../../config/environment.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { isServed } from '../../engine/engine.ts';

/** Of an environment. */
export type NamedConfig = Config & { readonly env: string };

/** `changing`: it is on its way up or down, or a command writes its data. */
export type EnvironmentState = 'running' | 'changing' | 'stopped';

export interface Environment {
  readonly name: string;
  readonly state: EnvironmentState;
  /** Where it is running. */
  readonly server: AnnouncedServer | undefined;
  /** That it got at its first start. */
  readonly port: number | undefined;
}

/** Another command that looks at the same moment holds the lock for less. */
const lookMs = 20;

/** In the order of their names. @param root the data directory that they lie in */
export async function listEnvironments(root: string): Promise<readonly Environment[]> {
  const entries = await readdir(dataPaths(root).environments, { withFileTypes: true }).catch(noneYet);
  const names = entries.filter((entry) => entry.isDirectory() && isEnvironmentName(entry.name));
  return Promise.all(names.map(({ name }) => readEnvironment(name, environmentDir(root, name)))).then((all) =>
    all.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

export function environmentDir(root: string, name: string): string {
  return join(dataPaths(root).environments, name);
}

export async function readEnvironment(name: string, dataDir: string): Promise<Environment> {
  const isLocked = await isServed(dataDir, lookMs);
  const server = isLocked ? await announcedServer(dataPaths(dataDir).server) : undefined;
  const state = server ? 'running' : isLocked ? 'changing' : 'stopped';
  return { name, state, server, port: recordedPort(dataDir) || undefined };
}

/** Of the disk, as `du` counts it. What is removed meanwhile does not count. */
export async function diskUse(dir: string): Promise<number> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(noneYet);
  const sizes = entries.map(async (entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return diskUse(path);
    return lstat(path).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    );
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function noneYet(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
