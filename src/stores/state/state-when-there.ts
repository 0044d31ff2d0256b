/** Keyed state that another process may not have made yet, to be read: as long as it is not there, nothing is in it. */
import { isFault } from '../../errors.ts';
import type { StateStore } from './state-store.ts';

export class StateWhenThere implements StateStore {
  readonly #open: () => Promise<StateStore>;
  #store: StateStore | undefined;

  /** @param open read-only; throws Fault STATE_MISSING where there is none. Tried again at each use until there is */
  constructor(open: () => Promise<StateStore>) {
    this.#open = open;
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.#found())?.get(key);
  }

  async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    return (await this.#found())?.getAll(keys) ?? keys.map(() => undefined);
  }

  async commit(): Promise<boolean> {
    throw new Error('this state is only to be read');
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    const store = await this.#found();
    if (store !== undefined) yield* store.entries(prefix);
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  async #found(): Promise<StateStore | undefined> {
    try {
      return (this.#store ??= await this.#open());
    } catch (error) {
      if (isFault(error, 'STATE_MISSING')) return undefined;
      throw error;
    }
  }
}
