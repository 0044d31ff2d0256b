/** A running PostgreSQL as a whole, the server process and all that it started: stopped, and let go on. */
import { readdir, readFile } from 'node:fs/promises';
import { readLockFile } from '../../src/stores/warehouse/embedded/lock-file.ts';

/** Answers how to let it go on. Linux only. */
export async function pausePostgres(dir: string): Promise<() => void> {
  const server = (await readLockFile(dir))?.pid;
  if (server === undefined) throw new Error(`no PostgreSQL runs on ${dir}`);
  process.kill(server, 'SIGSTOP'); // first: from now on it starts no others
  const stopped = [server];
  for (const child of await childrenOf(server)) if (signal(child, 'SIGSTOP')) stopped.push(child);
  return () => {
    for (const pid of stopped.toReversed()) signal(pid, 'SIGCONT');
  };
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // it has ended
  }
}

export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const found: number[] = [];
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // pid (name) state ppid; the name may hold anything
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) found.push(pid);
  }
  return found;
}
