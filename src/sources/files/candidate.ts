/** A directory that is watched, and a file in it that may be taken. */
import { resolve } from 'node:path';
import { type BytePath, bytePath, joined } from './byte-path.ts';
import { pathId } from './file-version.ts';
import { shownName } from './file-names.ts';

export interface Inbox {
  /** As it was configured: what its files are known by, wherever it is mounted. */
  readonly name: string;
  /** For events, dead letters and log lines. */
  readonly shown: string;
  readonly root: BytePath;
  /** Of the log and the pipeline, too: what one has taken, another has not. */
  readonly scope: BytePath;
}

export interface Candidate {
  readonly inbox: Inbox;
  /** Its path in the inbox. */
  readonly relative: BytePath;
  readonly id: string;
}

export function inboxAt(
  name: string,
  workingDir: string,
  of: { readonly logId: string; readonly pipeline: string },
): Inbox {
  return {
    name,
    shown: shownName(bytePath(name.replace(/\/+$/, ''))),
    root: bytePath(resolve(workingDir, name)),
    scope: bytePath(`${of.logId}\0${of.pipeline}\0${name}`),
  };
}

/** @param id where it is known already */
export function candidateAt(inbox: Inbox, relative: BytePath, id = pathId(inbox.scope, relative)): Candidate {
  return { inbox, relative, id };
}

export function pathOf({ inbox, relative }: Candidate): BytePath {
  return joined(inbox.root, relative);
}

/** For events, dead letters and log lines. */
export function shownFile({ inbox, relative }: Pick<Candidate, 'inbox' | 'relative'>): string {
  return relative === '' ? inbox.shown : `${inbox.shown}/${shownName(relative)}`;
}
