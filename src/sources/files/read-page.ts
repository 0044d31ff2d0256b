/**
 * Looks at many files, and reads those that are small into one buffer, each as one version of it, or says why not: what changed while it was
 * read is not answered with. Waits for the disk: for a thread that may (file-thread.ts).
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { type BytePath, bytesOf } from './byte-path.ts';
import { cutFile } from './cut-file.ts';
import { contentOf, type FileVersion, versionOf } from './file-version.ts';

export interface AskedFile {
  readonly path: BytePath;
  /** Versions of which nothing is to be read. */
  readonly unless: readonly string[];
}

export type FileAnswer =
  | NotRead
  /** One of the versions of which nothing was to be read. */
  | { readonly kind: 'as asked'; readonly version: FileVersion }
  | { readonly kind: 'large' }
  /** Its bytes stand in the buffer from the one place to the other. */
  | {
      readonly kind: 'read';
      readonly version: FileVersion;
      readonly content: string;
      /** It is a JSON document: cutting it will not fail. */
      readonly isJson: boolean;
      readonly from: number;
      readonly to: number;
    };

export type NotRead =
  | { readonly kind: 'gone' | 'no file' }
  | { readonly kind: 'unreadable'; readonly code: string }
  /** While it was read. */
  | { readonly kind: 'changed'; readonly version: FileVersion };

export interface ReadOptions {
  /** Of a file that was last changed before it, Unix milliseconds, one look after reading it is enough. */
  readonly longUnchangedBeforeMs: number;
  /** Whether to tell of each file if it is a JSON document. */
  readonly checksJson: boolean;
}

/** A file of so many bytes is large. */
const largeBytes = 64 * 1024;

/** A pipe never makes the reader wait, and a link never leads it elsewhere. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Answers for the first ones, as many as fit; at least one where the buffer has the bytes of a large file.
 */
export function readPage(asked: readonly AskedFile[], buffer: Buffer, options: ReadOptions): FileAnswer[] {
  const answers: FileAnswer[] = [];
  let at = 0;
  for (const file of asked) {
    if (buffer.length - at < largeBytes) break;
    const answer = lookAt(file, { buffer, at, ...options });
    if (answer.kind === 'read') at = answer.to;
    answers.push(answer);
  }
  return answers;
}

interface Into extends ReadOptions {
  readonly buffer: Buffer;
  readonly at: number;
}

function lookAt({ path, unless }: AskedFile, into: Into): FileAnswer {
  let fd: number | undefined;
  try {
    const bytes = bytesOf(path);
    if (unless.length > 0) {
      const stats = lstatSync(bytes, { bigint: true });
      const version = versionOf(stats);
      if (stats.isFile() && unless.includes(version.id)) return { kind: 'as asked', version };
    }
    fd = openSync(bytes, readFlags);
    return readOpen(fd, into);
  } catch (error) {
    return failure(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readOpen(fd: number, { buffer, at, longUnchangedBeforeMs, checksJson }: Into): FileAnswer {
  let length = readSync(fd, buffer, at, largeBytes, 0);
  const stats: BigIntStats = fstatSync(fd, { bigint: true }); // known since it was read
  if (!stats.isFile()) return { kind: 'no file' };
  const version = versionOf(stats);
  if (version.size >= largeBytes) return { kind: 'large' };
  if (length !== version.size || version.changedMs >= longUnchangedBeforeMs) {
    length = readSync(fd, buffer, at, largeBytes, 0);
    const after = versionOf(fstatSync(fd, { bigint: true }));
    if (after.id !== version.id || length !== version.size) return { kind: 'changed', version: after };
  }
  const to = at + length;
  const bytes = buffer.subarray(at, to);
  const isJson = checksJson && 'events' in cutFile(bytes, 'json');
  return { kind: 'read', version, content: contentOf(bytes), isJson, from: at, to };
}

export function failure(error: unknown): NotRead {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'gone' };
  if (['ELOOP', 'ENXIO', 'EISDIR', 'ESPIPE'].includes(code)) return { kind: 'no file' };
  return { kind: 'unreadable', code };
}
