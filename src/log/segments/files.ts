/**
 * All that the log asks of a file system. The real one stands in `real-files.ts`; tests put one in its place that
 * tears writes, loses what was not synced and runs out of space.
 *
 * Errors are the operating system's (`code`: ENOSPC, EDQUOT, ENOENT, EIO, ...).
 */
export interface LogFiles {
  makeDirectory(path: string): Promise<void>;
  /** The names in it; empty where there is no such directory. */
  list(dir: string): Promise<string[]>;
  /** `read` needs the file to exist; the others make it. In `durable`, each write is on disk when it resolves. */
  open(path: string, mode: 'read' | 'write' | 'durable'): Promise<LogFile>;
  remove(path: string): Promise<void>;
  /** Makes what was created and removed in the directory durable. */
  syncDirectory(dir: string): Promise<void>;
  freeBytes(dir: string): Promise<number>;
  /** Held until released or until the process dies in any way; `undefined` where another holder lives. */
  lock(path: string): Promise<(() => void) | undefined>;
}

export interface LogFile {
  /** Fills `into` from `position` on, less at the end of the file; answers the number of bytes. */
  read(into: Buffer, position: number): Promise<number>;
  /** Writes all of it, or rejects with an unknown part of it written. */
  write(bytes: Buffer, position: number): Promise<void>;
  size(): Promise<number>;
  truncate(bytes: number): Promise<void>;
  /** Content and size on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

export const isNoSpace = (error: unknown): boolean => codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
