/**
 * How keyed state lies in LMDB, in one tree:
 *
 *   'e' key                  -> 6 bytes: expiry (Unix ms, big-endian; `never`), then the value
 *   'x' expiry (6 bytes) key -> nothing: the expiry index, oldest first
 *
 * Keys are UTF-8, so that LMDB's order is the contract's. An index entry may be stale (its key was put again with another
 * expiry); whoever sweeps compares it with the entry.
 */
import { checkedLength } from './state-key.ts';

const entryTag = 0x65;
const expiryTag = 0x78;
const expiryBytes = 6;
const never = 2 ** (8 * expiryBytes) - 1;

/** @throws RangeError as `checkedLength` */
export function entryKey(key: string): Buffer {
  const length = checkedLength(key);
  const bytes = Buffer.allocUnsafe(1 + length);
  bytes[0] = entryTag;
  bytes.write(key, 1);
  return bytes;
}

export function keyOfEntry(entry: Uint8Array): string {
  return asBuffer(entry).toString('utf8', 1);
}

/** The first key after all that begin with `prefix`, which is an entry key: its last byte is never 0xff in UTF-8. */
export function afterPrefix(prefix: Buffer): Buffer {
  const after = Buffer.from(prefix);
  after[after.length - 1] = (after.at(-1) ?? 0) + 1;
  return after;
}

export function storedValue(value: Uint8Array, expiresAtMs: number | undefined): Buffer {
  const stored = Buffer.allocUnsafe(expiryBytes + value.length);
  stored.writeUIntBE(clampExpiry(expiresAtMs), 0, expiryBytes);
  stored.set(value, expiryBytes);
  return stored;
}

/** The value where it has not expired, as memory of its own. */
export function liveValue(stored: Uint8Array | undefined, nowMs: number): Buffer | undefined {
  if (stored === undefined || nowMs > expiryOf(stored)) return undefined;
  return asBuffer(stored).subarray(expiryBytes);
}

export function expiryOf(stored: Uint8Array): number {
  return asBuffer(stored).readUIntBE(0, expiryBytes);
}

/** The index entry for a key that expires; without a key, the first that could stand at that time. */
export function expiryKey(expiresAtMs: number, entry?: Buffer): Buffer {
  const key = entry?.subarray(1) ?? Buffer.alloc(0);
  const bytes = Buffer.allocUnsafe(1 + expiryBytes + key.length);
  bytes[0] = expiryTag;
  bytes.writeUIntBE(clampExpiry(expiresAtMs), 1, expiryBytes);
  bytes.set(key, 1 + expiryBytes);
  return bytes;
}

export function entryOfExpiry(index: Uint8Array): { readonly entry: Buffer; readonly expiresAtMs: number } {
  const bytes = asBuffer(index);
  const entry = Buffer.from(bytes.subarray(expiryBytes));
  entry[0] = entryTag;
  return { entry, expiresAtMs: bytes.readUIntBE(1, expiryBytes) };
}

function clampExpiry(expiresAtMs: number | undefined): number {
  return expiresAtMs === undefined ? never : Math.min(Math.max(Math.floor(expiresAtMs), 0), never);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
