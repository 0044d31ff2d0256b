/** Keyed state in memory that can be given back an earlier state, as a Redis can be that was killed. Expiry is not its business. */
import type { StateChange, StateStore } from '../../src/stores/state/state-store.ts';

export class MapState implements StateStore {
  #kept: ReadonlyMap<string, Buffer> = new Map();

  /** What it has now, to be given back. */
  get kept(): ReadonlyMap<string, Buffer> {
    return this.#kept;
  }

  goBack(kept: ReadonlyMap<string, Buffer>): void {
    this.#kept = kept;
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#kept.get(key);
  }

  async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    return keys.map((key) => this.#kept.get(key));
  }

  async commit({ expect = [], put = [], delete: deleted = [] }: StateChange): Promise<boolean> {
    const holds = expect.every(({ key, value }) => {
      const actual = this.#kept.get(key);
      return value === undefined ? actual === undefined : actual?.equals(value) === true;
    });
    if (!holds) return false;
    const changed = new Map(this.#kept);
    for (const key of deleted) changed.delete(key);
    for (const { key, value } of put) changed.set(key, Buffer.from(value));
    this.#kept = changed;
    return true;
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    for (const [key, value] of this.#kept) if (key.startsWith(prefix)) yield [key, value];
  }

  async close(): Promise<void> {}
}
