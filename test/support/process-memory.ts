/** The memory of a process, as Linux tells it. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

export const canMeasureMemory = existsSync('/proc/self/status');

/** The most resident memory since `resetPeak`, or since it started, in MB. */
export async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
