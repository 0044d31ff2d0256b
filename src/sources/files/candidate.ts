/** A directory that is watched, and a file in it that may be taken. */
import { resolve } from 'node:path';
import { pathId } from './file-version.ts';
import { joined } from './list-files.ts';
import { shownName } from './file-names.ts';

export interface Inbox {
  /** As it was configured: what its files are known by, wherever it is mounted. */
  readonly name: string;
  readonly root: Buffer;
  /** Of the log and the pipeline, too: what one has taken, another has not. */
  readonly scope: string;
}

export interface Candidate {
  readonly inbox: Inbox;
  /** Its path in the inbox. */
  readonly relative: Buffer;
  readonly path: Buffer;
  readonly id: string;
}

export function inboxAt(
  name: string,
  workingDir: string,
  of: { readonly logId: string; readonly pipeline: string },
): Inbox {
  return { name, root: Buffer.from(resolve(workingDir, name)), scope: `${of.logId}\0${of.pipeline}\0${name}` };
}

export function candidateAt(inbox: Inbox, relative: Buffer): Candidate {
  return { inbox, relative, path: joined(inbox.root, relative), id: pathId(inbox.scope, relative) };
}

/** For events, dead letters and log lines. */
export function shownFile({ inbox, relative }: Pick<Candidate, 'inbox' | 'relative'>): string {
  return `${shownName(Buffer.from(inbox.name.replace(/\/+$/, '')))}/${shownName(relative)}`;
}
