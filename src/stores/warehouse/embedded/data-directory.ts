/**
 * A data directory of PostgreSQL: absent, or initialised. It is built aside and renamed into place, so that a crash in
 * between leaves none, and of several starters at once one wins and the others use what it made.
 */
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../../../config/child-environment.ts';
import { Fault } from '../../../errors.ts';
import type { Binaries } from './binaries.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

const run = promisify(execFile);

/** The only role; reached over a socket that only this user can open. */
export const superuser = 'tributary';
export const database = 'postgres';

/** @throws Fault WAREHOUSE_UNAVAILABLE */
export async function initialise(binaries: Binaries, as: UnprivilegedUser, dataDir: string): Promise<void> {
  if (await isInitialised(dataDir)) return;
  await mkdir(dirname(dataDir), { recursive: true });
  const aside = await mkdtemp(join(dirname(dataDir), `.${basename(dataDir)}-`));
  try {
    if (as.ids) await chown(aside, as.ids.uid, as.ids.gid);
    const encoding = ['-E', 'UTF8', '--locale-provider=builtin', '--locale=C.UTF-8'];
    const flags = ['-D', aside, '-U', superuser, '--auth=trust', ...encoding];
    const [command, ...args] = [...as.prefix, binaries.initdb, ...flags];
    await run(command as string, args, { ...as.ids, env: childEnvironment() });
    await rename(aside, dataDir); // fails when another process came first: theirs is as good
  } catch (error) {
    if (!(await isInitialised(dataDir)))
      throw new Fault(
        'WAREHOUSE_UNAVAILABLE',
        `PostgreSQL could not be set up in ${dataDir}: ${(error as Error).message}`,
      );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** One spelling for a directory, whether it is there yet or not, whatever path it was given as. */
export async function canonicalPath(dir: string): Promise<string> {
  const path = resolve(dir);
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined || dirname(path) === path) return found ?? path;
  return join(await canonicalPath(dirname(path)), basename(path));
}

async function isInitialised(dataDir: string): Promise<boolean> {
  return stat(join(dataDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}
