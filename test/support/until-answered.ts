import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until there is an answer: a server that was killed is away for a moment, and a connection that was cut fails once. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await sleep(20);
  }
}
