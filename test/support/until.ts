/** For what a process tells in no other way: looked at again and again until it is so. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5);
}
