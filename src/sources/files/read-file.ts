/**
 * Reads a file as one version of it, or says why not: what changed while it was read is not answered with. Small files go into a buffer
 * of the reader's; of a larger one the bytes are reserved first.
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstat, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { type FileVersion, versionOf } from './file-version.ts';

export type FileRead =
  | { readonly kind: 'gone' }
  | { readonly kind: 'no file' }
  | { readonly kind: 'unreadable'; readonly code: string }
  | { readonly kind: 'too large'; readonly version: FileVersion }
  /** While it was read. */
  | { readonly kind: 'changed'; readonly version: FileVersion }
  /** The bytes are valid until the reader reads again, or `release` is called. */
  | { readonly kind: 'read'; readonly version: FileVersion; readonly bytes: Buffer; readonly release: () => void };

export interface ReadOptions {
  readonly maxBytes: number;
  /** At least one byte. */
  readonly buffer: Buffer;
  /** One look at the file, after reading it, is enough: its last change lies so far back that no clock can be so wrong. */
  readonly isLongUnchanged: (version: FileVersion) => boolean;
  /** Waits for room for a larger file; answers how to give it back. @throws Fault BUSY */
  readonly reserve: (bytes: number) => Promise<() => void>;
}

const openFile = promisify(open);
const statPath = promisify(lstat) as (path: Buffer, options: { bigint: true }) => Promise<BigIntStats>;
const readSome = promisify(read) as unknown as (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ readonly bytesRead: number }>;

/** A pipe never makes the reader wait, and a link never leads it elsewhere. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export async function readFile(path: Buffer, options: ReadOptions): Promise<FileRead> {
  let fd: number;
  try {
    fd = await openFile(path, flags);
  } catch (error) {
    return failure(error);
  }
  try {
    return await readOpen(fd, options);
  } catch (error) {
    return failure(error);
  } finally {
    closeSync(fd); // of what was only read: it waits for nothing, and another thread would take longer to be told
  }
}

/** Where the path leads to a file. */
export async function lookAt(path: Buffer): Promise<Exclude<FileRead, { readonly kind: 'read' | 'too large' }>> {
  try {
    const stats = await statPath(path, { bigint: true });
    return stats.isFile() ? { kind: 'changed', version: versionOf(stats) } : { kind: 'no file' };
  } catch (error) {
    return failure(error);
  }
}

async function readOpen(fd: number, options: ReadOptions): Promise<FileRead> {
  const { buffer, maxBytes, isLongUnchanged, reserve } = options;
  const { bytesRead } = await readSome(fd, buffer, 0, buffer.length, 0);
  const stats = fstatSync(fd, { bigint: true }); // known since it was read
  if (!stats.isFile()) return { kind: 'no file' };
  const version = versionOf(stats);
  if (version.size > maxBytes) return { kind: 'too large', version };
  const isSmall = version.size < buffer.length;
  if (isSmall && bytesRead === version.size && isLongUnchanged(version))
    return { kind: 'read', version, bytes: buffer.subarray(0, bytesRead), release: nothing };
  const release = isSmall ? nothing : await reserve(version.size + 1);
  try {
    const into = isSmall ? buffer : Buffer.allocUnsafeSlow(version.size + 1);
    const length = await readAll(fd, into);
    const after = versionOf(fstatSync(fd, { bigint: true }));
    if (after.id === version.id && length === version.size)
      return { kind: 'read', version, bytes: into.subarray(0, length), release };
    release();
    return { kind: 'changed', version: after };
  } catch (error) {
    release();
    throw error;
  }
}

async function readAll(fd: number, into: Buffer): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const { bytesRead } = await readSome(fd, into, length, into.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

const nothing = (): void => undefined;

function failure(error: unknown): Exclude<FileRead, { readonly kind: 'read' | 'too large' | 'changed' }> {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'gone' };
  if (['ELOOP', 'ENXIO', 'EISDIR', 'ESPIPE'].includes(code)) return { kind: 'no file' };
  return { kind: 'unreadable', code };
}
