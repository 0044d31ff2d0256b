/** Marks of void packages as other processes than those that serve may read them: as the view has them by now. */
import type { StateStore } from '../stores/state/state-store.ts';
import { ViewKeys } from './key-entries.ts';

export class VoidMarks {
  readonly #views: StateStore;
  readonly #keys: ViewKeys;

  constructor(views: StateStore, logId: string) {
    this.#views = views;
    this.#keys = new ViewKeys(logId);
  }

  async voidAmong(packageIds: readonly string[]): Promise<ReadonlySet<string>> {
    const marks = await this.#views.getAll(packageIds.map((id) => this.#keys.void(id)));
    return new Set(packageIds.filter((_, index) => marks[index] !== undefined));
  }
}
