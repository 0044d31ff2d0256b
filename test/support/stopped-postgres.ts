/** Stops the PostgreSQL below a running program, as a machine that hangs would, and lets it go on. */
import { isPostgres } from '../../src/stores/warehouse/embedded/lock-file.ts';
import { descendants } from './processes.ts';

export interface StoppedPostgres {
  goOn(): void;
}

/** Resolves when all of its processes stand still. */
export async function stopPostgres(pid: number): Promise<StoppedPostgres> {
  const stopped = new Set<number>();
  for (;;) {
    const found: number[] = [];
    for (const child of await descendants(pid)) if (!stopped.has(child) && (await isPostgres(child))) found.push(child);
    if (found.length === 0 && stopped.size > 0) break; // none was born meanwhile
    for (const child of found) {
      process.kill(child, 'SIGSTOP');
      stopped.add(child);
    }
  }
  return { goOn: () => stopped.forEach(signalToGoOn) };
}

function signalToGoOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // it has ended
  }
}
