/**
 * Whole objects under keys (`a/b/c.json`).
 *
 * What every driver promises (test/contracts/object-store.ts): an object is visible whole or not at all, and durable
 * when `put` resolves; a key never leaves the store (no empty, `.` or `..` segment, no control characters, segments of
 * at most 255 bytes, at most 1,024 bytes in all: OBJECT_KEY_INVALID).
 */
export interface ObjectStore {
  /** Replaces what is there. @throws Fault OBJECT_KEY_INVALID */
  put(key: string, body: Uint8Array): Promise<void>;
  /** As `put`, with what is in the file, which stays; its size is not held in memory. @throws Fault OBJECT_KEY_INVALID */
  putFile(key: string, path: string): Promise<void>;
  /**
   * As `putFile`, but false, and nothing changed, where there is one: it may be our own, as an answer can get lost. Of several that do so at
   * once one puts it; of drivers that cannot tell (a bucket that knows no conditions) more than one may. @throws Fault OBJECT_KEY_INVALID
   */
  putNewFile(key: string, path: string): Promise<boolean>;
  /**
   * Many objects, of which nothing is visible yet. Bodies stay as they are until it ends: a driver may keep them as they are, not
   * copies. @throws Fault OBJECT_KEY_INVALID: then nothing is staged
   */
  stage(objects: readonly NewObject[]): Promise<StagedObjects>;
  get(key: string): Promise<Buffer | undefined>;
  /** Keys that begin with `prefix`, in the order of their UTF-8 bytes; temporary files never show. */
  list(prefix: string): AsyncIterable<string>;
  /** As `list`, with what the store knows of each without reading it. */
  entries(prefix: string): AsyncIterable<ObjectEntry>;
  /** No error where there is none. */
  delete(key: string): Promise<void>;
  /** Durable together when it resolves; where it fails, some may be gone. Many in one go take less time than each by itself. */
  deleteAll(keys: readonly string[]): Promise<void>;
}

export interface ObjectEntry {
  readonly key: string;
  readonly bytes: number;
  /** When it was put, Unix milliseconds, by the store's clock. */
  readonly putAtMs: number;
}

export interface NewObject {
  readonly key: string;
  readonly body: Uint8Array;
  /**
   * There was none when the caller looked. Drivers that can tell refuse to commit over one with other content that is there
   * since (OBJECT_EXISTS).
   */
  readonly isNew?: boolean;
}

/** Ends once: committed or aborted; what a killed process leaves never becomes visible. */
export interface StagedObjects {
  /** All are durable together when it resolves; any of them may be visible before, each one whole. Replaces what is there. */
  commit(): Promise<void>;
  /** Does nothing where it has ended already. */
  abort(): Promise<void>;
}
