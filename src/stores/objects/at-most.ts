/** Runs what it is given, at most `limit` at a time, in order of arrival. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;

export function atMost(limit: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** Waits for all, also where one fails: nothing goes on behind the caller's back. Rejects with the first failure. */
export async function all<T>(tasks: readonly Promise<T>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
