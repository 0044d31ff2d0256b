/** Marks of void packages as other processes than those that serve may read them: as the view has them by now. */
import type { StateStore } from '../stores/state/state-store.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../errors.ts';
import type { LogReader } from '../log/log.ts';
import { ViewKeys } from './key-entries.ts';
import { idempotencyAt } from './key-view.ts';

const lookEveryMs = 50;
/** A transaction that nobody ends is aborted after 10 s; until then nobody knows what it comes to. */
const knownWithinMs = 15_000;

export class VoidMarks {
  readonly #views: StateStore;
  readonly #keys: ViewKeys;

  constructor(views: StateStore, logId: string) {
    this.#views = views;
    this.#keys = new ViewKeys(logId);
  }

  /**
   * Resolves when the marks of all packages that the log has by now are there, which some node that runs sees to.
   * @throws Fault STATE_UNAVAILABLE where none does
   */
  async settled(log: LogReader): Promise<void> {
    const written = (await log.writtenEnd?.(idempotencyAt)) ?? 0;
    for (const untilMs = performance.now() + knownWithinMs; ; await sleep(lookEveryMs)) {
      const position = await this.#views.get(this.#keys.position);
      if (Number(position?.toString() ?? 0) >= written) return;
      if (performance.now() < untilMs) continue;
      const todo = 'a node has to run: it keeps the view of idempotency keys';
      throw new Fault(
        'STATE_UNAVAILABLE',
        `which packages are void is not known up to offset ${written} of ${idempotencyAt.topic}; ${todo}`,
      );
    }
  }

  async voidAmong(packageIds: readonly string[]): Promise<ReadonlySet<string>> {
    const marks = await this.#views.getAll(packageIds.map((id) => this.#keys.void(id)));
    return new Set(packageIds.filter((_, index) => marks[index] !== undefined));
  }
}
