/**
 * `postmaster.pid`, PostgreSQL's own lock on a data directory: who runs on it, where its socket is, and whether it is ready.
 */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../../errors.ts';

const pollMs = 50;
/** A server notices within a second that its owner was killed. */
const noticeMs = 10_000;
/** Then it writes its buffers to disk, which takes a while on a slow disk. */
const shutdownMs = 60_000;

export interface LockFile {
  readonly pid: number;
  readonly port: number;
  readonly socketDir: string;
  /** `starting`, `ready`, `stopping` or `standby`. */
  readonly status: string;
}

export async function readLockFile(dataDir: string): Promise<LockFile | undefined> {
  const text = await readFile(pathOf(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw error;
  });
  // pid, data directory, start time, port, socket directory, listen address, shared memory key, status
  const [pid = '', , , port = '', socketDir = '', , , status = ''] = text.split('\n').map((line) => line.trim());
  if (!Number(pid)) return undefined;
  return { pid: Number(pid), port: Number(port), socketDir, status };
}

/**
 * A server whose owner was killed needs a moment to go; one whose owner lives is left alone.
 * @throws Fault WAREHOUSE_IN_USE
 */
export async function waitForPreviousServer(dataDir: string): Promise<void> {
  const began = Date.now();
  for (;;) {
    const found = await readLockFile(dataDir);
    if (!found) return;
    if (!(await isPostgres(found.pid))) {
      await removeStale(dataDir, found.pid);
      return;
    }
    if (Date.now() - began > (found.status === 'stopping' ? shutdownMs : noticeMs))
      throw new Fault('WAREHOUSE_IN_USE', `PostgreSQL (process ${found.pid}) runs on ${dataDir} (${found.status})`);
    await sleep(pollMs);
  }
}

/**
 * PostgreSQL itself overrides the file of a dead process, but refuses to start where the number now belongs to
 * another process of this user (containers start at 1 each time). Aside first: another starter may have won.
 */
async function removeStale(dataDir: string, pid: number): Promise<void> {
  const file = pathOf(dataDir);
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const owner = Number((await readFile(aside, 'utf8')).split('\n')[0]);
  if (owner === pid) await rm(aside);
  else await rename(aside, file);
}

export async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
  // "<pid> (postgres) S ...": a zombie (Z) is dead, only not yet reaped, as under a PID 1 that reaps nobody.
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /\(postgres\) [^ZX]/.test(status);
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'postmaster.pid');
}
