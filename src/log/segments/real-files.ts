/** The operating system's files, for the log. */
import { close, constants, fstat, fsync, ftruncate, open as openFd, read, write } from 'node:fs';
import { mkdir, open, readdir, statfs, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { isMissing, type LogFile, type LogFiles } from './files.ts';
import { lockFile } from './lock.ts';

/**
 * On macOS O_DSYNC leaves data in the drive's cache; there libuv's fsync (F_FULLFSYNC) follows each write instead.
 */
const hasDurableWrites = process.platform !== 'darwin' && (constants.O_DSYNC as number | undefined) !== undefined;

const closeAsync = promisify(close);
const statAsync = promisify(fstat) as (fd: number) => Promise<{ size: number }>;
const truncateAsync = promisify(ftruncate);
const syncAsync = promisify(fsync);

function readOnce(fd: number, into: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, at, into.length - at, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function writeOnce(fd: number, bytes: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Works on descriptors with callbacks: `FileHandle` costs twice as much for each write. */
class RealFile implements LogFile {
  readonly #fd: number;
  readonly #syncEachWrite: boolean;

  constructor(fd: number, syncEachWrite: boolean) {
    this.#fd = fd;
    this.#syncEachWrite = syncEachWrite;
  }

  async read(into: Buffer, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const count = await readOnce(this.#fd, into, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) done += await writeOnce(this.#fd, bytes, done, position + done);
    if (this.#syncEachWrite) await this.sync();
  }

  async size(): Promise<number> {
    return (await statAsync(this.#fd)).size;
  }

  truncate(bytes: number): Promise<void> {
    return truncateAsync(this.#fd, bytes);
  }

  sync(): Promise<void> {
    return syncAsync(this.#fd);
  }

  close(): Promise<void> {
    return closeAsync(this.#fd);
  }
}

/** A bare descriptor: a FileHandle would close it when it is collected. */
function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    openFd(path, flags, 0o644, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function flagsOf(mode: 'read' | 'write' | 'durable'): number {
  if (mode === 'read') return constants.O_RDONLY;
  const flags = constants.O_RDWR | constants.O_CREAT;
  return mode === 'durable' && hasDurableWrites ? flags | constants.O_DSYNC : flags;
}

async function list(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const realFiles: LogFiles = {
  makeDirectory: async (path) => void (await mkdir(path, { recursive: true })),
  list,
  open: async (path, mode) =>
    new RealFile(await openDescriptor(path, flagsOf(mode)), mode === 'durable' && !hasDurableWrites),
  remove: unlink,
  syncDirectory,
  freeBytes: async (dir) => {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  },
  lock: lockFile,
};
