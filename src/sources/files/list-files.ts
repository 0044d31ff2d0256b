/**
 * The files of a directory, a page at a time: as much memory for ten million names as for ten. Symbolic links are not followed, and what
 * is neither file nor directory is passed over. Files that come or go meanwhile may be in it or not: the next listing tells.
 */
import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';

export interface ListOptions {
  readonly root: Buffer;
  readonly subdirectories: boolean;
  readonly matches: (name: Buffer) => boolean;
  /** A directory or file that cannot be looked at, or that is no file. Must not throw. */
  readonly onPassedOver: (path: Buffer, why: string) => void;
}

const pageFiles = 256;
/** Deeper ones are told and passed over: each level holds a directory open. */
const deepest = 64;

/** In the directory that was listed, what has been taken away stands here; hidden ones are passed over anyway. */
export const loadedDirectory = Buffer.from('loaded');

/** Paths below the root; none where it is not there. @throws what the system says, where the root itself cannot be listed */
export async function* listFiles(options: ListOptions): AsyncGenerator<readonly Buffer[]> {
  let page: Buffer[] = [];
  for await (const relative of walk(options, nothing, 0)) {
    page.push(relative);
    if (page.length < pageFiles) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function* walk(options: ListOptions, within: Buffer, depth: number): AsyncGenerator<Buffer> {
  const { matches, subdirectories, onPassedOver } = options;
  const directory = await openDirectory(options, within);
  for await (const entry of directory ?? []) {
    const name = entry.name as unknown as Buffer; // as `encoding` says
    const relative = joined(within, name);
    const kind = await kindOf(entry, joined(options.root, relative));
    if (kind === 'directory') {
      if (!subdirectories || name[0] === 0x2e || (depth === 0 && name.equals(loadedDirectory))) continue;
      if (depth < deepest) yield* walk(options, relative, depth + 1);
      else onPassedOver(relative, `lies more than ${deepest} directories deep`);
    } else if (matches(name)) {
      if (kind === 'file') yield relative;
      else if (kind !== 'gone') onPassedOver(relative, `is no file, but ${kind}`);
    }
  }
}

async function openDirectory({ root, onPassedOver }: ListOptions, within: Buffer) {
  try {
    return await opendir(joined(root, within), {
      encoding: 'buffer' as BufferEncoding,
      bufferSize: 256,
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (within.length === 0) throw error;
    onPassedOver(within, `cannot be listed (${code})`);
    return undefined;
  }
}

type Kind = 'file' | 'directory' | 'a symbolic link' | 'a pipe, socket or device' | 'gone';

/** Not every file system tells it with the name. */
async function kindOf(entry: Dirent, path: Buffer): Promise<Kind> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice())
    return 'a pipe, socket or device';
  return lstat(path).then(
    (stats) => (stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'a pipe, socket or device'),
    () => 'gone',
  );
}

const nothing = Buffer.alloc(0);
const slash = Buffer.from('/');

export function joined(directory: Buffer, name: Buffer): Buffer {
  if (directory.length === 0) return name;
  return name.length === 0 ? directory : Buffer.concat([directory, slash, name]);
}
