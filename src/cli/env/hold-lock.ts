/** One command at a time does what two would spoil. */
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '../../log/segments/lock.ts';

const lookEveryMs = 10;

/** Waits for it as long as another process has it. What it answers ends it. */
export async function holdLock(path: string): Promise<() => void> {
  for (;;) {
    const release = await lockFile(path);
    if (release) return release;
    await sleep(lookEveryMs);
  }
}
