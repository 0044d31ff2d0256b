/**
 * The files of a directory, a page at a time: as much memory for ten million names as for a hundred thousand. Symbolic links are not followed, and what
 * is neither file nor directory is passed over. Files that come or go meanwhile may be in it or not: the next listing tells. Waits for the
 * disk: for a thread that may (file-thread.ts).
 */
import { type Dir, type Dirent, lstatSync, opendirSync } from 'node:fs';
import { type BytePath, bytesOf, joined } from './byte-path.ts';
import { pathId } from './file-version.ts';

export interface ListOptions {
  readonly root: BytePath;
  /** Of the files' ids. */
  readonly scope: BytePath;
  readonly subdirectories: boolean;
}

/** Paths below the root. */
export interface ListedPage {
  readonly files: readonly ListedFile[];
  /** Neither files nor directories. */
  readonly others: readonly PassedOver[];
  /** Directories that cannot be listed, or lie too deep; the root has no name. */
  readonly unlisted: readonly PassedOver[];
}

/** Its id, and behind that its path: one string takes a third of the memory of two in an object, and is sorted as it is. */
export type ListedFile = string;

const idCharacters = 16;

function listedFile(id: string, path: BytePath): ListedFile {
  return id + path;
}

export function idAndPath(file: ListedFile): readonly [id: string, path: BytePath] {
  return [file.slice(0, idCharacters), file.slice(idCharacters)];
}

export interface PassedOver {
  readonly path: BytePath;
  readonly why: string;
}

const pageFiles = 512;
/**
 * So many are put into the order of their ids: what is remembered of them then lies side by side in the keyed state, where each would be on a page of
 * its own otherwise.
 */
const sortedFiles = 32_768;
/** Of their paths: where these are long, fewer are sorted. */
const sortedBytes = 4 * 1024 * 1024;
/** Deeper ones are told and passed over: each level holds a directory open. */
const deepest = 64;

/** In the directory that was listed, what has been taken away stands here; hidden ones are passed over anyway. */
export const loadedDirectory: BytePath = 'loaded';

/** Nothing where the root is not there. */
export function* listFiles(options: ListOptions): Generator<ListedPage> {
  const passedOver = { others: [] as PassedOver[], unlisted: [] as PassedOver[] };
  let files: ListedFile[] = [];
  let bytes = 0;
  for (const { path, kind, why } of walk(options, '', 0)) {
    if (kind === 'file') files.push(listedFile(pathId(options.scope, path), path));
    else passedOver[kind].push({ path, why });
    bytes += path.length;
    if (files.length < sortedFiles && bytes < sortedBytes && passedOver.others.length < pageFiles) continue;
    yield* pagesOf(files, { others: passedOver.others.splice(0), unlisted: passedOver.unlisted.splice(0) });
    files = [];
    bytes = 0;
  }
  yield* pagesOf(files, passedOver);
}

function* pagesOf(files: ListedFile[], passedOver: Omit<ListedPage, 'files'>): Generator<ListedPage> {
  files.sort();
  yield { files: files.slice(0, pageFiles), ...passedOver };
  for (let at = pageFiles; at < files.length; at += pageFiles)
    yield { files: files.slice(at, at + pageFiles), others: [], unlisted: [] };
}

interface Found extends PassedOver {
  readonly kind: 'file' | 'others' | 'unlisted';
}

function* walk(options: ListOptions, within: BytePath, depth: number): Generator<Found> {
  const { root, subdirectories } = options;
  let directory: Dir | undefined;
  try {
    directory = opendirSync(bytesOf(joined(root, within)), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      const name = (entry.name as unknown as Buffer).toString('latin1'); // as `encoding` says
      const path = joined(within, name);
      const what = whatIs(entry, joined(root, path));
      if (what === 'file') yield { path, kind: 'file', why: '' };
      else if (what !== 'directory') yield { path, kind: 'others', why: `is no file, but ${what}` };
      else if (!subdirectories || name.startsWith('.') || path === loadedDirectory) continue;
      else if (depth < deepest) yield* walk(options, path, depth + 1);
      else yield { path, kind: 'unlisted', why: `lies more than ${deepest} directories deep` };
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code !== 'ENOENT') yield { path: within, kind: 'unlisted', why: `cannot be listed (${code})` };
  } finally {
    directory?.closeSync();
  }
}

type Kind = 'file' | 'directory' | 'a symbolic link' | 'a pipe, socket or device';

/** Not every file system tells it with the name. Of what is gone meanwhile it does not matter. */
function whatIs(entry: Dirent, path: BytePath): Kind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice()) return special;
  const stats = lstatSync(bytesOf(path), { throwIfNoEntry: false });
  return !stats || stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : special;
}

const special = 'a pipe, socket or device';
