/** Whether the directories of a source can be used together. What is not there yet is looked at when it comes. */
import { realpath } from 'node:fs/promises';
import { Fault } from '../../errors.ts';
import type { FileSource } from '../../pipeline/pipeline.ts';
import { bytesOf } from './byte-path.ts';
import type { Inbox } from './candidate.ts';
import { checkMovable } from './take-away.ts';

/** @throws Fault CONFIG_INVALID */
export async function checkInboxes(inboxes: readonly Inbox[], source: FileSource): Promise<void> {
  const seen: { readonly name: string; readonly path: string }[] = [];
  for (const inbox of inboxes) {
    const { name, root } = inbox;
    const path = await realpath(bytesOf(root), 'latin1').catch(() => root);
    for (const other of seen) {
      const isTwice =
        path === other.path || (source.subdirectories && (isIn(path, other.path) || isIn(other.path, path)));
      if (isTwice)
        throw new Fault('CONFIG_INVALID', `files of ${name} would be taken twice: ${other.name} has them, too`);
    }
    seen.push({ name, path });
    if (source.afterwards === 'move') await checkMovable(inbox);
  }
}

function isIn(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}
