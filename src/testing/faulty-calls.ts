/**
 * Calls to the parts of a process, counted, of which a few go wrong: they fail before or after they have done their work,
 * do not come back, or the process ends there. Of a process that has ended no call does anything, and none ever comes back.
 */
export interface CallFault {
  /** The call that goes wrong, from 0. */
  readonly call: number;
  /** Only calls of this name are counted. Default: all. */
  readonly of?: string;
  readonly how: 'fail before' | 'fail after' | 'stall before' | 'crash before' | 'crash after';
  /** What a call that fails is rejected with. Default: an error that names the call. */
  readonly error?: Error;
}

export class FaultyCalls {
  /** What was called so far. */
  readonly names: string[] = [];
  /** Resolves when the process has ended. */
  readonly crashed: Promise<void>;
  /** Resolves when every fault has happened. */
  readonly struck: Promise<void>;
  readonly #faults: readonly CallFault[];
  readonly #onCrash: () => void;
  readonly #onStruck: () => void;
  #strikes = 0;
  #hasEnded = false;

  constructor(faults: readonly CallFault[] = []) {
    const crashed = Promise.withResolvers<void>();
    const struck = Promise.withResolvers<void>();
    this.crashed = crashed.promise;
    this.struck = struck.promise;
    this.#faults = faults;
    this.#onCrash = crashed.resolve;
    this.#onStruck = struck.resolve;
    if (faults.length === 0) struck.resolve();
  }

  async through<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) return never();
    const call = this.names.push(name) - 1;
    const ofName = this.names.filter((each) => each === name).length - 1;
    const fault = this.#faults.find(({ of, call: wrong }) =>
      of === undefined ? wrong === call : of === name && wrong === ofName,
    );
    if (fault?.how.endsWith('before')) return this.#goWrong(name, fault);
    let result: T;
    try {
      result = await work();
    } catch (error) {
      if (this.#hasEnded) return never();
      throw error;
    }
    if (fault) return this.#goWrong(name, fault);
    return this.#hasEnded ? never() : result;
  }

  end(): void {
    this.#hasEnded = true;
    this.#onCrash();
  }

  #goWrong(name: string, { how, error }: CallFault): Promise<never> {
    this.#strikes += 1;
    if (this.#strikes === this.#faults.length) this.#onStruck();
    if (how.startsWith('fail')) return Promise.reject(error ?? new Error(`${how} ${name}`));
    if (how.startsWith('crash')) this.end();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
