/** The keys that a running server knows: those of the directory, at most half a second ago, looked up without touching the disk. */
import type { Fault } from '../errors.ts';
import { isSameHash, parseKey } from './access-key.ts';
import { FileWatch } from './file-watch.ts';
import { type KeyRecord, isKeyFor, keyStatus, readKeys } from './key-store.ts';

export interface KeyRingOptions {
  readonly dir: string;
  /** The directory cannot be read (what was known stays), or a file in it is damaged (that key is refused). */
  readonly onError: (error: unknown) => void;
}

interface Known {
  readonly record: KeyRecord;
  readonly sha256: Buffer;
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  #keys: ReadonlyMap<string, Known> = new Map();
  /** By message: told once for as long as they are there. */
  #damaged: ReadonlyMap<string, Fault> = new Map();
  /** By source; asked for each request. */
  readonly #covered = new Map<string, boolean>();
  #watch: FileWatch | undefined;

  private constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const ring = new KeyRing(options);
    const { dir, onError } = options;
    ring.#watch = await FileWatch.start({ paths: [dir], load: () => ring.#load(), onError });
    return ring;
  }

  /** The key with this secret, revoked and expired ones too. */
  find(secret: string): KeyRecord | undefined {
    const presented = parseKey(secret);
    const known = presented && this.#keys.get(presented.id);
    return known && isSameHash(presented.sha256, known.sha256) ? known.record : undefined;
  }

  /** Whether there is, or was, a key for the source; a damaged file may have been one. */
  covers(source: string): boolean {
    const known = this.#covered.get(source);
    if (known !== undefined) return known;
    const covered = this.#damaged.size > 0 || this.#keys.values().some(({ record }) => isKeyFor(record, source));
    this.#covered.set(source, covered);
    return covered;
  }

  hasUsable(source: string, nowMs: number): boolean {
    return this.#keys.values().some(({ record }) => isKeyFor(record, source) && keyStatus(record, nowMs) === 'active');
  }

  async close(): Promise<void> {
    await this.#watch?.stop();
  }

  async #load(): Promise<void> {
    const { keys, damaged } = await readKeys(this.#options.dir);
    this.#keys = new Map(keys.map((record) => [record.id, { record, sha256: Buffer.from(record.sha256, 'hex') }]));
    const before = this.#damaged;
    this.#damaged = new Map(damaged.map((fault) => [fault.message, fault]));
    this.#covered.clear();
    for (const [message, fault] of this.#damaged) if (!before.has(message)) this.#options.onError(fault);
  }
}
