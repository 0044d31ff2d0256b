/**
 * Reads a large file as one version of it, or says why not: what changed while it was read is not answered with. Its bytes are reserved first.
 */
import { closeSync, fstatSync, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { isFault } from '../../errors.ts';
import { type BytePath, bytesOf } from './byte-path.ts';
import { contentOf, type FileVersion, versionOf } from './file-version.ts';
import { failure, type NotRead, readFlags } from './read-page.ts';

export type LargeFileRead =
  | NotRead
  | { readonly kind: 'too large' | 'no room' }
  /** Whoever has it releases it. */
  | {
      readonly kind: 'read';
      readonly version: FileVersion;
      readonly content: string;
      /** Nobody has looked. */
      readonly isJson: false;
      readonly bytes: Buffer;
      readonly release: () => void;
    };

export interface ReadOptions {
  readonly maxBytes: number;
  /** Waits for room; answers how to give it back. @throws Fault BUSY */
  readonly reserve: (bytes: number) => Promise<() => void>;
}

const openFile = promisify(open);
const readSome = promisify(read) as unknown as (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ readonly bytesRead: number }>;

export async function readFile(path: BytePath, options: ReadOptions): Promise<LargeFileRead> {
  let fd: number;
  try {
    fd = await openFile(bytesOf(path), readFlags);
  } catch (error) {
    return failure(error);
  }
  try {
    return await readOpen(fd, options);
  } catch (error) {
    if (isFault(error, 'BUSY')) return { kind: 'no room' };
    return failure(error);
  } finally {
    closeSync(fd); // of what was only read: it waits for nothing, and another thread would take longer to be told
  }
}

async function readOpen(fd: number, { maxBytes, reserve }: ReadOptions): Promise<LargeFileRead> {
  const stats = fstatSync(fd, { bigint: true });
  if (!stats.isFile()) return { kind: 'no file' };
  const version = versionOf(stats);
  if (version.size > maxBytes) return { kind: 'too large' };
  const release = await reserve(version.size + 1);
  try {
    const into = Buffer.allocUnsafeSlow(version.size + 1);
    const length = await readAll(fd, into);
    const after = versionOf(fstatSync(fd, { bigint: true }));
    if (after.id === version.id && length === version.size) {
      const bytes = into.subarray(0, length);
      return { kind: 'read', version, content: contentOf(bytes), isJson: false, bytes, release };
    }
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
