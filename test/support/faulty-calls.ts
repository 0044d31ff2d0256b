/**
 * Calls to the parts of a process, counted, of which a few go wrong: they fail before or after they have done their work,
 * or the process ends there. Of a process that has ended no call does anything, and none ever comes back.
 */
export interface CallFault {
  /** The call that goes wrong, from 0. */
  readonly call: number;
  /** Only calls of this name are counted. Default: all. */
  readonly of?: string;
  readonly how: 'fail before' | 'fail after' | 'crash before' | 'crash after';
}

export class FaultyCalls {
  /** What was called so far. */
  readonly names: string[] = [];
  /** Resolves when the process has ended. */
  readonly crashed: Promise<void>;
  readonly #faults: readonly CallFault[];
  readonly #onCrash: () => void;
  #hasEnded = false;

  constructor(faults: readonly CallFault[] = []) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.crashed = promise;
    this.#faults = faults;
    this.#onCrash = resolve;
  }

  async through<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) return never();
    const call = this.names.push(name) - 1;
    const ofName = this.names.filter((each) => each === name).length - 1;
    const how = this.#faults.find(({ of, call: wrong }) =>
      of === undefined ? wrong === call : of === name && wrong === ofName,
    )?.how;
    if (how?.endsWith('before')) return this.#goWrong(name, how);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      if (this.#hasEnded) return never();
      throw error;
    }
    if (how) return this.#goWrong(name, how);
    return this.#hasEnded ? never() : result;
  }

  end(): void {
    this.#hasEnded = true;
    this.#onCrash();
  }

  #goWrong(name: string, how: CallFault['how']): Promise<never> {
    if (how.startsWith('fail')) return Promise.reject(new Error(`${how} ${name}`));
    this.end();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
