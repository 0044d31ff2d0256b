/**
 * Files that the log does not take: an event of theirs is larger than its topic allows. Which one of a batch it was, the log does not say, so each is
 * tried again by itself; one that is refused then is left where it is, and is not read again until it changes.
 */
import type { FileInGroup } from './file-group.ts';

/** What is known beyond that is forgotten, and tried again. */
const mostKnown = 10_000;

export class RefusedFiles {
  readonly #alone = new Set<string>();
  /** By path. */
  readonly #versions = new Map<string, string>();

  /** The log has refused the batch of these. Answers the file that it was, undefined where it may be any of them. */
  note(files: readonly FileInGroup[]): FileInGroup | undefined {
    const [only, ...others] = files;
    if (!only || others.length > 0) {
      for (const { candidate } of files) this.#alone.add(candidate.id);
      return undefined;
    }
    const { candidate, taken } = only;
    this.#alone.delete(candidate.id);
    const [oldest] = this.#versions.keys();
    if (this.#versions.size >= mostKnown && oldest !== undefined) this.#versions.delete(oldest);
    this.#versions.set(candidate.id, taken.version);
    return only;
  }

  /** It is to be in a batch of its own. */
  mustBeAlone(id: string): boolean {
    return this.#alone.has(id);
  }

  version(id: string): string | undefined {
    return this.#versions.get(id);
  }

  stored(files: readonly FileInGroup[]): void {
    for (const { candidate } of files) {
      this.#alone.delete(candidate.id);
      this.#versions.delete(candidate.id);
    }
  }
}
