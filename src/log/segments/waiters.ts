/** Those who wait until a partition's end is past an offset. */
interface Waiter {
  readonly isDone: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class Waiters {
  readonly #waiters = new Set<Waiter>();

  get count(): number {
    return this.#waiters.size;
  }

  /** Resolves when `isDone` holds at a `check`, or now; rejects with the signal's reason. */
  async wait(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isDone()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { isDone, resolve, reject };
    const abort = (): void => reject(signal.reason);
    this.#waiters.add(waiter);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener('abort', abort);
    }
  }

  check(): void {
    for (const waiter of this.#waiters) if (waiter.isDone()) waiter.resolve();
  }

  fail(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(reason);
  }
}
