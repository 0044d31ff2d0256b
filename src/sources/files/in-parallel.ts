/** Runs `work` on every item, `workers` at a time. Where one fails, no further one begins; rejects when those under way have ended. */
export async function inParallel<T>(
  items: readonly T[],
  workers: number,
  work: (item: T, index: number, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const run = async (_: unknown, worker: number): Promise<void> => {
    while (next < items.length && !hasFailed) {
      const index = next++;
      try {
        await work(items[index] as T, index, worker);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(workers, items.length) }, run));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}
