/**
 * The files of a directory, a page at a time: as much memory for ten million names as for ten. Symbolic links are not followed, and what
 * is neither file nor directory is passed over. Files that come or go meanwhile may be in it or not: the next listing tells. Waits for the
 * disk: for a thread that may (file-thread.ts).
 */
import { type Dir, type Dirent, lstatSync, opendirSync } from 'node:fs';
import { type BytePath, bytesOf, joined } from './byte-path.ts';

export interface ListOptions {
  readonly root: BytePath;
  readonly subdirectories: boolean;
}

/** Paths below the root. */
export interface ListedPage {
  readonly files: readonly BytePath[];
  /** Neither files nor directories. */
  readonly others: readonly PassedOver[];
  /** Directories that cannot be listed, or lie too deep; the root has no name. */
  readonly unlisted: readonly PassedOver[];
}

export interface PassedOver {
  readonly path: BytePath;
  readonly why: string;
}

const pageFiles = 256;
/** Deeper ones are told and passed over: each level holds a directory open. */
const deepest = 64;

/** In the directory that was listed, what has been taken away stands here; hidden ones are passed over anyway. */
export const loadedDirectory: BytePath = 'loaded';

/** Nothing where the root is not there. */
export function* listFiles(options: ListOptions): Generator<ListedPage> {
  let page = { files: [] as BytePath[], others: [] as PassedOver[], unlisted: [] as PassedOver[] };
  for (const { path, kind } of walk(options, '', 0)) {
    if (kind === 'file') page.files.push(path);
    else if (kind.startsWith('is no file')) page.others.push({ path, why: kind });
    else page.unlisted.push({ path, why: kind });
    if (page.files.length + page.others.length + page.unlisted.length < pageFiles) continue;
    yield page;
    page = { files: [], others: [], unlisted: [] };
  }
  yield page;
}

interface Found {
  readonly path: BytePath;
  /** `file`, or why it is passed over. */
  readonly kind: string;
}

function* walk(options: ListOptions, within: BytePath, depth: number): Generator<Found> {
  const { root, subdirectories } = options;
  let directory: Dir | undefined;
  try {
    directory = opendirSync(bytesOf(joined(root, within)), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      const name = (entry.name as unknown as Buffer).toString('latin1'); // as `encoding` says
      const path = joined(within, name);
      const kind = kindOf(entry, joined(root, path));
      if (kind === undefined) continue;
      if (kind !== 'directory') yield { path, kind };
      else if (!subdirectories || name.startsWith('.') || path === loadedDirectory) continue;
      else if (depth < deepest) yield* walk(options, path, depth + 1);
      else yield { path, kind: `lies more than ${deepest} directories deep` };
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code !== 'ENOENT') yield { path: within, kind: `cannot be listed (${code})` };
  } finally {
    directory?.closeSync();
  }
}

/** Not every file system tells it with the name. Undefined where it is gone. */
function kindOf(entry: Dirent, path: BytePath): string | undefined {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'is no file, but a symbolic link';
  if (entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice()) return special;
  const stats = lstatSync(bytesOf(path), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : special;
}

const special = 'is no file, but a pipe, socket or device';
