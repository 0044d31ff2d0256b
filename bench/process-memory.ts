/** Memory of a process as Linux counts it. Elsewhere there is none to read: undefined. */
import { readFile, writeFile } from 'node:fs/promises';

export interface ProcessMemory {
  /** Resident, pages of mapped files included (LMDB's among them). */
  readonly rssBytes: number;
  /** Resident and the process's own. */
  readonly anonBytes: number;
  /** The most that was resident since the start or the last `forgetPeak`. */
  readonly peakRssBytes: number;
}

export async function readMemory(pid: number): Promise<ProcessMemory | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  if (status === '') return undefined;
  return { rssBytes: bytes('VmRSS'), anonBytes: bytes('RssAnon'), peakRssBytes: bytes('VmHWM') };
}

/** Where the kernel lets us: else the peak since the start stays. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
}
