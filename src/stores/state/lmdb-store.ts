/**
 * Keyed state in LMDB (promises: state-store.ts). Several processes may write and read, come, go and be killed at any time; each
 * opens the file by this module, and nothing else may open it while somebody writes.
 *
 * - A change is a child transaction: expectations are read under LMDB's write lock, which other processes respect, and
 *   whatever throws inside rolls back this change alone. Changes that wait for the disk together share its sync.
 * - Nobody commits while somebody opens or closes the file: opening-gate.ts.
 * - overlappingSync is off: with it a change is visible before it is durable, and could be delivered, then lost.
 * - lmdb 3.5.6 corrupts its heap when the disk is full, so changes are refused while less than a reserve would stay free.
 * - Every change sweeps a few expired keys, more than it adds, so that the file stops growing; LMDB reuses their pages.
 */
import { mkdir } from 'node:fs/promises';
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { Fault, reasonOf } from '../../errors.ts';
import { syncDirectory } from '../durable-files.ts';
import { OpeningGate } from './opening-gate.ts';
import {
  afterPrefix,
  entryKey,
  entryOfExpiry,
  expiryKey,
  expiryOf,
  keyOfEntry,
  liveValue,
  storedValue,
} from './state-layout.ts';
import type { StateChange, StateStore } from './state-store.ts';

export interface LmdbStoreOptions {
  /** Made where it is missing. */
  readonly dir: string;
  /** For processes beside the one that writes: never changes anything. Default false. */
  readonly readOnly?: boolean;
  /** Commits that would leave less free on the disk reject with STATE_FULL. Default 32 MiB. */
  readonly minFreeBytes?: number;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

const nothing = Buffer.alloc(0);
const sweptPerCommit = 32;
const entriesPerRead = 256;
/** A put or delete may copy a leaf of the entries and one of the expiry index, of 4 KiB each. */
const pageBytesPerKey = 8_192;

/** @throws Fault STATE_MISSING where a store that is to be only read is not there, STATE_BUSY where others do not let it in */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<StateStore> {
  const path = join(options.dir, 'state.mdb');
  const readOnly = options.readOnly ?? false;
  if (readOnly && !existsSync(path)) throw new Fault('STATE_MISSING', `there is no keyed state in ${options.dir}`);
  if (!readOnly) await mkdir(options.dir, { recursive: true });
  const gate = new OpeningGate({ path: join(options.dir, 'state.gate') });
  try {
    const db = await gate.alone(() => openDatabase(path, readOnly));
    // The new file's name has to outlive a power cut too.
    if (!readOnly) for (const dir of [options.dir, dirname(options.dir)]) await syncDirectory(dir);
    return new LmdbStore(db, gate, options);
  } catch (error) {
    await gate.close();
    throw error;
  }
}

/**
 * Address space, no memory; it grows where it does not do. lmdb begins with 128 KiB else, and keeps the smaller maps when it grows: what is read is resident once
 * in each of them. On Windows a map may make the file as large.
 */
const mapBytes = 4 * 1024 ** 3;

function openDatabase(path: string, readOnly: boolean): RootDatabase<Buffer, Buffer> {
  // noSubdir: the path is the file's; left out, lmdb guesses that from a dot in its name
  return open<Buffer, Buffer>({
    path,
    noSubdir: true,
    overlappingSync: false,
    ...(process.platform !== 'win32' && { mapSize: mapBytes }),
    encoding: 'binary',
    keyEncoding: 'binary',
    ...(readOnly && { readOnly }),
  });
}

interface PreparedChange {
  readonly expect: readonly (readonly [entry: Buffer, value: Buffer | undefined])[];
  readonly put: readonly (readonly [entry: Buffer, stored: Buffer, index: Buffer | undefined])[];
  readonly delete: readonly Buffer[];
  /** What it may add to the file at most. */
  readonly fileBytes: number;
}

class LmdbStore implements StateStore {
  readonly #db: RootDatabase<Buffer, Buffer>;
  readonly #gate: OpeningGate;
  readonly #dir: string;
  readonly #readOnly: boolean;
  readonly #minFreeBytes: number;
  readonly #now: () => number;
  readonly #commits = new Set<Promise<boolean>>();
  #pendingBytes = 0;
  #closed = false;

  constructor(db: RootDatabase<Buffer, Buffer>, gate: OpeningGate, options: LmdbStoreOptions) {
    this.#db = db;
    this.#gate = gate;
    this.#dir = options.dir;
    this.#readOnly = options.readOnly ?? false;
    this.#minFreeBytes = options.minFreeBytes ?? 32 * 1024 * 1024;
    this.#now = options.now ?? Date.now;
  }

  async get(key: string): Promise<Buffer | undefined> {
    this.#refuseWhenClosed();
    return liveValue(this.#db.getBinary(entryKey(key)), this.#now());
  }

  /** One turn of the event loop reads one snapshot. */
  async getAll(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    this.#refuseWhenClosed();
    const nowMs = this.#now();
    return keys.map((key) => liveValue(this.#db.getBinary(entryKey(key)), nowMs));
  }

  async commit(change: StateChange): Promise<boolean> {
    this.#refuseWhenClosed();
    if (this.#readOnly) throw new Error(`the state in ${this.#dir} was opened read-only`);
    const prepared = prepare(change);
    this.#refuseOnFullDisk(prepared.fileBytes);
    this.#pendingBytes += prepared.fileBytes;
    const committed = this.#gate.share(() => this.#db.childTransaction(() => this.#apply(prepared)));
    this.#commits.add(committed);
    try {
      return await committed;
    } catch (error) {
      throw await commitFailure(error, this.#dir);
    } finally {
      this.#commits.delete(committed);
      this.#pendingBytes -= prepared.fileBytes;
    }
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    let start = entryKey(prefix);
    const end = afterPrefix(start);
    for (;;) {
      this.#refuseWhenClosed();
      // Whole chunks at once: an iterator held open across awaits would keep LMDB from reusing pages.
      const chunk = Array.from(this.#db.getRange({ start, end, limit: entriesPerRead }));
      const nowMs = this.#now();
      for (const { key, value } of chunk) {
        const live = liveValue(value, nowMs);
        if (live !== undefined) yield [keyOfEntry(key), live];
      }
      const last = chunk.at(-1);
      if (last === undefined || chunk.length < entriesPerRead) return;
      start = Buffer.concat([last.key, Buffer.alloc(1)]);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#commits);
    await this.#gate.alone(() => this.#db.close());
    await this.#gate.close();
  }

  /** Runs inside the transaction. */
  #apply(change: PreparedChange): boolean {
    const nowMs = this.#now();
    for (const [entry, expected] of change.expect) {
      const actual = liveValue(this.#db.getBinary(entry), nowMs);
      const holds = expected === undefined ? actual === undefined : actual?.equals(expected) === true;
      if (!holds) return false;
    }
    for (const entry of change.delete) this.#db.removeSync(entry);
    for (const [entry, stored, index] of change.put) {
      this.#db.putSync(entry, stored);
      if (index !== undefined) this.#db.putSync(index, nothing);
    }
    this.#sweep(nowMs, sweptPerCommit + 2 * change.put.length);
    return true;
  }

  #sweep(nowMs: number, limit: number): void {
    const due = Array.from(this.#db.getKeys({ start: expiryKey(0), end: expiryKey(nowMs), limit }));
    for (const index of due) {
      const { entry, expiresAtMs } = entryOfExpiry(index);
      const stored = this.#db.getBinary(entry);
      if (stored !== undefined && expiryOf(stored) === expiresAtMs) this.#db.removeSync(entry);
      this.#db.removeSync(index);
    }
  }

  #refuseOnFullDisk(fileBytes: number): void {
    const disk = statfsSync(this.#dir);
    const freeBytes = disk.bavail * disk.bsize;
    if (freeBytes - this.#pendingBytes - fileBytes < this.#minFreeBytes)
      throw new Fault('STATE_FULL', `only ${freeBytes} bytes are free on the disk of ${this.#dir}`);
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new Error(`the state in ${this.#dir} is closed`);
  }
}

/** Copies what it is given: the caller may reuse its buffers. */
function prepare(change: StateChange): PreparedChange {
  const expect = (change.expect ?? []).map(
    ({ key, value }) => [entryKey(key), value === undefined ? undefined : Buffer.from(value)] as const,
  );
  const put = (change.put ?? []).map(({ key, value, expiresAtMs }) => {
    const entry = entryKey(key);
    const index = expiresAtMs === undefined ? undefined : expiryKey(expiresAtMs, entry);
    return [entry, storedValue(value, expiresAtMs), index] as const;
  });
  const removed = (change.delete ?? []).map(entryKey);
  const keys = put.length + removed.length;
  // Sweeping, too, copies pages: as many keys again, and the least number.
  const fileBytes = put.reduce((sum, [, stored]) => sum + stored.length, 0);
  return { expect, put, delete: removed, fileBytes: fileBytes + pageBytesPerKey * (3 * keys + sweptPerCommit) };
}

/** LMDB says why a commit failed in a promise of its own, which has to be handled lest it end the process. */
async function commitFailure(error: unknown, dir: string): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    const message = reasonOf(cause);
    if (/no space left/i.test(message)) return new Fault('STATE_FULL', `the disk of ${dir} is full`, { cause });
    return new Error(`the state in ${dir} could not be committed: ${message}`, { cause });
  }
}
