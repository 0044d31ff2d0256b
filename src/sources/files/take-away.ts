/**
 * Deletes or moves a file whose events are durable, and no other: another version may have come in its place in that very moment. So
 * it is first renamed into a directory of ours, then looked at, and given back if it is not the one. A crash or a failure
 * in between leaves it there, and the next listing ends what was begun. Nothing is ever overwritten.
 *
 *   <inbox>/<name>  ->  <inbox>/.tributary/<id>-<version>-<name>  ->  deleted, or <inbox>/loaded/<name>
 *
 * Where that name would be too long, or the file stands in a directory of the inbox, it is `.tributary/<id>-<version>/<path>`: a directory of its own
 * for each file takes five times as long.
 */
import { linkSync, lstatSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { Fault } from '../../errors.ts';
import { type BytePath, bytesOf, joined } from './byte-path.ts';
import { shownName } from './file-names.ts';
import { versionOf } from './file-version.ts';
import { type Candidate, candidateAt, type Inbox, pathOf } from './candidate.ts';
import { loadedDirectory } from './list-files.ts';

export type Away = 'move' | 'delete';

const claims: BytePath = '.tributary';

/**
 * Answers false where another version is there by now: it is where it was. Waits for the disk: for a thread that may (file-thread.ts).
 * @throws what the system says
 */
export function takeAway(candidate: Candidate, version: string, away: Away): boolean {
  const { inbox, relative, id } = candidate;
  const { claim, claimed } = claimOf(inbox, { id, version, relative });
  const isFirst = makeClaims(inbox); // what fails from here on leaves the file alone
  if (away === 'move') makeDirectory(parentOf(loadedPath(inbox, relative)));
  if (claim !== claimed) makeDirectory(parentOf(claimed));
  const path = bytesOf(pathOf(candidate));
  try {
    renameSync(path, bytesOf(claimed));
  } catch (error) {
    if (!isCode(error, 'ENOENT') || lstatSync(path, { throwIfNoEntry: false })) throw error;
    removeEmpty(claim, claimed);
    if (!isFirst) return true; // somebody else has
    rmdirSync(bytesOf(joined(inbox.root, claims)));
    throw error; // the file may come back with the directory that it stood in
  }
  return end(inbox, { claim, claimed, relative, version }, away);
}

export interface TakenAway {
  /** Whether that version of the file is in the log. */
  readonly wasTaken: (candidate: Candidate, version: string) => Promise<boolean>;
  /** It stays where it is until the next time. */
  readonly onFailed: (relative: BytePath, error: unknown) => void;
}

/**
 * Ends what an earlier life has begun, or what has failed: of a few files, since one after the other is taken away. Nothing may be under way.
 * Answers the ids of the files that are not there any more.
 * @throws what `wasTaken` does
 */
export async function endTakenAway(
  inbox: Inbox,
  away: Away,
  { wasTaken, onFailed }: TakenAway,
): Promise<readonly string[]> {
  const gone: string[] = [];
  const root = joined(inbox.root, claims);
  let relative: BytePath | undefined;
  try {
    for await (const name of namesIn(root)) {
      const version = name.slice(...versionAt);
      const claim = joined(root, name);
      const isDirectory = (await lstat(bytesOf(claim))).isDirectory();
      relative = isDirectory ? await fileIn(claim) : name.slice(nameAt);
      if (relative === undefined) continue;
      const candidate = candidateAt(inbox, relative);
      const isTaken = await wasTaken(candidate, version);
      const claimed = isDirectory ? joined(claim, relative) : claim;
      if (tryEnd(inbox, { claim, claimed, relative, version: isTaken ? version : '' }, away, onFailed))
        gone.push(candidate.id);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    onFailed(relative ?? claims, error);
  }
  return gone;
}

/** @throws Fault CONFIG_INVALID where files could not be moved from the directory into `loaded` in it by renaming them */
export async function checkMovable(inbox: Inbox): Promise<void> {
  const target = joined(inbox.root, loadedDirectory);
  const found = await lstat(bytesOf(target)).catch(() => undefined); // it is made when it is needed
  const root = await lstat(bytesOf(inbox.root)).catch(() => undefined);
  if (found === undefined || root === undefined) return;
  if (found.isDirectory() && (root.isSymbolicLink() || found.dev === root.dev)) return;
  const what = found.isDirectory() ? 'is on another file system' : 'is no directory';
  const message = `files of ${shownName(inbox.root)} cannot be moved: ${shownName(target)} ${what}`;
  throw new Fault('CONFIG_INVALID', message);
}

/** As file systems have it, in bytes. */
const longestName = 255;
/** Ids and versions have 16 characters each. */
const versionAt = [17, 33] as const;
const nameAt = 34;

/**
 * Whether it had none before: then nothing was ever taken away from this directory, or it is another one, as where a disk is not mounted.
 * Fails where it is not there.
 */
function makeClaims({ root }: Inbox): boolean {
  try {
    mkdirSync(bytesOf(joined(root, claims)));
    return true;
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return false;
  }
}

function claimOf(
  inbox: Inbox,
  { id, version, relative }: { readonly id: string; readonly version: string; readonly relative: BytePath },
): Pick<Claimed, 'claim' | 'claimed'> {
  const claim = joined(joined(inbox.root, claims), `${id}-${version}`);
  const isShort = !relative.includes('/') && nameAt + relative.length <= longestName;
  const claimed = isShort ? `${claim}-${relative}` : joined(claim, relative);
  return { claim: isShort ? claimed : claim, claimed };
}

interface Claimed {
  /** Its directory, or the file itself. */
  readonly claim: BytePath;
  readonly claimed: BytePath;
  readonly relative: BytePath;
  /** That may be taken away. */
  readonly version: string;
}

function end(inbox: Inbox, { claim, claimed, relative, version }: Claimed, away: Away): boolean {
  const isTheOne = versionOf(lstatSync(bytesOf(claimed), { bigint: true })).id === version;
  if (!isTheOne) place(claimed, joined(inbox.root, relative));
  else if (away === 'move') place(claimed, loadedPath(inbox, relative));
  unlinkSync(bytesOf(claimed));
  removeEmpty(claim, claimed);
  return isTheOne;
}

function tryEnd(inbox: Inbox, claimed: Claimed, away: Away, onFailed: TakenAway['onFailed']): boolean {
  try {
    return end(inbox, claimed, away);
  } catch (error) {
    onFailed(claimed.relative, error);
    return false;
  }
}

function loadedPath({ root }: Inbox, relative: BytePath): BytePath {
  return joined(joined(root, loadedDirectory), relative);
}

/** Under the name, or the name with the first number behind it that is free; not again where an earlier life has done it. */
function place(from: BytePath, to: BytePath): void {
  makeDirectory(parentOf(to));
  for (let number = 0; ; number += 1) {
    const name = numbered(to, number);
    try {
      return linkSync(bytesOf(from), bytesOf(name));
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      if (areSame(from, name)) return;
    }
  }
}

function numbered(path: BytePath, number: number): BytePath {
  if (number === 0) return path;
  const suffix = `.${number}`;
  return path.slice(0, path.lastIndexOf('/') + 1 + longestName - suffix.length) + suffix;
}

/** With those above it; mostly they are there, and looking for each would take as long as all the rest. */
function makeDirectory(path: BytePath): void {
  try {
    mkdirSync(bytesOf(path));
  } catch (error) {
    if (isCode(error, 'ENOENT')) mkdirSync(bytesOf(path), { recursive: true });
    else if (!isCode(error, 'EEXIST')) throw error;
  }
}

function areSame(one: BytePath, other: BytePath): boolean {
  const [a, b] = [one, other].map((path) => lstatSync(bytesOf(path), { bigint: true }));
  return a?.ino === b?.ino && a?.dev === b?.dev;
}

/** The directories that were made for the claim. */
function removeEmpty(claim: BytePath, claimed: BytePath): void {
  for (let directory = parentOf(claimed); directory.length >= claim.length; directory = parentOf(directory)) {
    try {
      rmdirSync(bytesOf(directory));
    } catch (error) {
      if (isCode(error, 'ENOENT')) continue;
      if (isCode(error, 'ENOTEMPTY')) return;
      throw error;
    }
  }
}

/** The one file below, undefined where there is none. */
async function fileIn(claim: BytePath, within: BytePath = ''): Promise<BytePath | undefined> {
  for await (const name of namesIn(joined(claim, within))) {
    const relative = joined(within, name);
    const stats = await lstat(bytesOf(joined(claim, relative)));
    if (!stats.isDirectory()) return relative;
    const found = await fileIn(claim, relative);
    if (found) return found;
  }
  rmdirSync(bytesOf(joined(claim, within)));
  return undefined;
}

async function* namesIn(directory: BytePath): AsyncGenerator<BytePath> {
  try {
    const encoding = 'buffer' as BufferEncoding;
    for await (const { name } of await opendir(bytesOf(directory), { encoding }))
      yield (name as unknown as Buffer).toString('latin1'); // as `encoding` says
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

function parentOf(path: BytePath): BytePath {
  return path.slice(0, path.lastIndexOf('/'));
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
