/** Processes below a process, as Linux tells them. */
import { readFile, readdir } from 'node:fs/promises';

export async function descendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = /\) \w (\d+)/.exec(status)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found: number[] = [];
  for (let front = [pid]; front.length > 0;) {
    front = [...parents].filter(([, parent]) => front.includes(parent)).map(([child]) => child);
    found.push(...front);
  }
  return found;
}
