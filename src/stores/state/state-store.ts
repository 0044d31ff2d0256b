/**
 * Keyed state: checkpoints and deduplication keys.
 *
 * What every driver promises (test/contracts/state-store.ts): a change is applied whole or not at all, is durable when
 * `commit` resolves true, and is applied only where every expectation holds at that moment, also against
 * other processes. Changes are applied in the order of the calls. A store may come back from a crash at an earlier commit (Redis);
 * never at half of one.
 *
 * Where it stands on a server that is out of reach, or does not answer, everything rejects within a few seconds with STATE_UNAVAILABLE, and
 * works again as soon as the server does. Whether a commit that ended so was applied is not known.
 */
export interface StateStore {
  get(key: string): Promise<Buffer | undefined>;
  /** In the order of the keys, all as of one moment. */
  getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]>;
  /** False, and nothing changed, where an expectation does not hold. @throws Fault STATE_FULL, STATE_UNAVAILABLE */
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
