/** Where downloads and the data of running services are kept: outside of the repository, so that a second start is quick. */
import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `XDG_CACHE_HOME`, else `~/.cache`. */
export const cacheDir = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tributary', 'services');

/** A directory in the cache, filled by `fill` where it is missing. A download that breaks off leaves nothing behind. */
export async function cached(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(cacheDir, name);
  if (await stat(dir).catch(() => undefined)) return dir;
  const making = `${dir}.${process.pid}.tmp`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await fill(making);
  await rename(making, dir).catch(async (error: NodeJS.ErrnoException) => {
    await rm(making, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error; // another one was quicker
  });
  return dir;
}

/** Ends with what the program has said where it fails. */
export async function execute(
  file: string,
  args: readonly string[],
  ids?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  try {
    await run(file, [...args], { maxBuffer: 16 << 20, ...ids });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error });
  }
}
