/** Processor time of a process as Linux counts it. */
import { readFile } from 'node:fs/promises';

/** Linux tells it in hundredths of a second, whatever its own clock is (USER_HZ). */
const ticksPerSecond = 100;

/** Seconds since its start, of all its threads, in its code and in the kernel for it. */
export async function readCpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name may hold anything
  const [user, system] = [afterName[11], afterName[12]]; // fields 14 and 15
  return (Number(user) + Number(system)) / ticksPerSecond;
}
