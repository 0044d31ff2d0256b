/**
 * PostgreSQL's own locks: `postmaster.pid` on a data directory (who runs on it, where its socket is, whether it is ready), and
 * one beside the socket. PostgreSQL does not start over what a server that was killed has left of them where the number
 * belongs to another process now, or was never written: that is removed here.
 */
import { readFile, readlink, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../../../errors.ts';

const pollMs = 50;
/** It is written at once, by a server that was not killed before. */
const writtenWithinMs = 1_000;
/** A server notices within a second that its owner was killed. */
const noticeMs = 10_000;
/** Then it writes its buffers to disk, which takes a while on a slow disk. */
const shutdownMs = 60_000;

export interface LockFile {
  /** 0 where it is not written, or not yet. */
  readonly pid: number;
  readonly port: number;
  readonly socketDir: string;
  /** `starting`, `ready`, `stopping` or `standby`. */
  readonly status: string;
}

export async function readLockFile(dataDir: string): Promise<LockFile | undefined> {
  const text = await read(pathOf(dataDir));
  if (text === undefined) return undefined;
  // pid, data directory, start time, port, socket directory, listen address, shared memory key, status
  const [, , , port = '', socketDir = '', , , status = ''] = text.split('\n').map((line) => line.trim());
  return { pid: pidIn(text), port: Number(port), socketDir, status };
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

function pidIn(text: string): number {
  return Number(text.split('\n', 1)[0]) || 0;
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
    const waitedMs = Date.now() - began;
    const isStale = found.pid === 0 ? waitedMs > writtenWithinMs : !(await isServerOf(dataDir, found.pid));
    if (isStale) return removeStale(pathOf(dataDir), found.pid);
    if (waitedMs > (found.status === 'stopping' ? shutdownMs : noticeMs))
      throw new Fault('WAREHOUSE_IN_USE', `PostgreSQL (process ${found.pid}) runs on ${dataDir} (${found.status})`);
    await sleep(pollMs);
  }
}

/** @param socketDir of this data directory alone, on which no server runs */
export async function removeStaleSocketLock(dataDir: string, socketDir: string, port: number): Promise<void> {
  const file = join(socketDir, `.s.PGSQL.${port}.lock`);
  const text = await read(file);
  if (text === undefined) return;
  const pid = pidIn(text);
  if (pid === 0 || !(await isServerOf(dataDir, pid))) await removeStale(file, pid);
}

/** Aside first: another starter may have won. */
async function removeStale(file: string, pid: number): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (pidIn(await readFile(aside, 'utf8')) === pid) await rm(aside);
  else await rename(aside, file);
}

/** Of several data directories whose machine went down, each may name a number that another's server has now. A server works in its directory. */
export async function isServerOf(dataDir: string, pid: number): Promise<boolean> {
  if (!(await isPostgres(pid))) return false;
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return workingDir === undefined || workingDir === (await realpath(dataDir)); // undefined of another user's: it may be
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
