/** For what a process tells in no other way: looked at again and again until it is so. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(5);
}
