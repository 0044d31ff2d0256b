/**
 * Keyed state: checkpoints and deduplication keys.
 *
 * What every driver promises (test/contracts/state-store.ts): a change is applied whole or not at all, is durable when
 * `commit` resolves true, and is applied only where every expectation holds at that moment, also against
 * other processes. A store may come back from a crash at an earlier commit (Redis); never at half of one.
 */
export interface StateStore {
  get(key: string): Promise<Buffer | undefined>;
  /** False, and nothing changed, where an expectation does not hold. @throws Fault STATE_FULL */
  commit(change: StateChange): Promise<boolean>;
  /** In the order of the keys' UTF-8 bytes. */
  entries(prefix: string): AsyncIterable<readonly [key: string, value: Buffer]>;
  close(): Promise<void>;
}

export interface StateChange {
  /** `undefined`: the key must be absent. */
  readonly expect?: readonly { readonly key: string; readonly value: Uint8Array | undefined }[];
  readonly put?: readonly StatePut[];
  readonly delete?: readonly string[];
}

export interface StatePut {
  readonly key: string;
  readonly value: Uint8Array;
  /** Unix milliseconds after which the key reads as absent; default: kept. */
  readonly expiresAtMs?: number;
}
