/**
 * Files that wait until it is clear that they are whole: how long each has been seen unchanged, and when to look at it again. Bounded:
 * what does not fit waits in its directory, for another listing.
 */
import type { Candidate } from './candidate.ts';
import type { FileVersion } from './file-version.ts';

export interface SettlingOptions {
  /** Default 10,000 files. */
  readonly maxFiles?: number;
  /** Milliseconds, never goes back. Default performance.now. */
  readonly elapsedMs?: () => number;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

export interface SeenFile {
  readonly candidate: Candidate;
  /** `FileVersion.id`; undefined where it was only heard of. */
  readonly version: string | undefined;
}

interface Waiting {
  readonly candidate: Candidate;
  /** When it was first told of. */
  readonly foundMs: number;
  /** As it was last seen, and since when; undefined where it was only heard of. */
  version: FileVersion | undefined;
  sinceMs: number;
  dueMs: number;
  delayMs: number;
  /** It has to be unchanged for so long. */
  neededMs: number;
}

/** A machine that writes files into a shared directory may have its clock wrong by so much; then files are still never taken too early. */
const clockSkewMs = 60_000;
/**
 * Changes closer together may have the same time: file systems count in ticks of up to 10 ms. So a file that has changed later
 * than so long before it was read is read again.
 */
export const tickMs = 50;
/** A file that is being written is looked at again after twice as long each time, up to this. */
const longestDelayMs = 1_000;

export class Settling {
  readonly #waiting = new Map<string, Waiting>();
  readonly #maxFiles: number;
  #missed = 0;
  /** Milliseconds, never goes back. */
  readonly elapsedMs: () => number;
  readonly #now: () => number;

  constructor({ maxFiles = 10_000, elapsedMs = () => performance.now(), now = Date.now }: SettlingOptions = {}) {
    this.#maxFiles = maxFiles;
    this.elapsedMs = elapsedMs;
    this.#now = now;
  }

  /** How many had no room. */
  get missed(): number {
    return this.#missed;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How long the file has waited that has waited longest; 0 where there is none. */
  get longestMs(): number {
    const [first] = this.#waiting.values();
    return first === undefined ? 0 : this.elapsedMs() - first.foundMs;
  }

  /** Something has happened to it. False where there is no room. */
  heardOf(candidate: Candidate): boolean {
    if (this.#waiting.has(candidate.id)) return true; // it is looked at when it is due
    return this.#add(candidate, undefined, tickMs, tickMs);
  }

  /** It has been seen like this, and is due when it has been unchanged for so long; before that, too, as it may change. Where there is no room, nothing. */
  seen(candidate: Candidate, version: FileVersion, neededMs: number): void {
    const known = this.#waiting.get(candidate.id);
    if (known === undefined) return void this.#add(candidate, version, tickMs, neededMs);
    const nowMs = this.elapsedMs();
    if (known.version?.id !== version.id) {
      known.version = version;
      known.sinceMs = nowMs;
    }
    known.neededMs = neededMs;
    known.delayMs = Math.min(2 * known.delayMs, longestDelayMs);
    known.dueMs = Math.min(nowMs + known.delayMs, Math.max(known.sinceMs + neededMs, nowMs + 1));
  }

  /** The version of which reading it again would be of no use yet. */
  unsettled(id: string): string | undefined {
    const { version, neededMs } = this.#waiting.get(id) ?? {};
    if (version === undefined || neededMs === undefined) return undefined;
    return this.unchangedMs(id, version) < neededMs ? version.id : undefined;
  }

  /** It has been seen as before, and goes on waiting. */
  seenAgain(candidate: Candidate, version: FileVersion): void {
    const known = this.#waiting.get(candidate.id);
    if (known) this.seen(candidate, version, known.neededMs);
  }

  /** For how long it has certainly been unchanged. @param atMs at that moment (`elapsedMs`) */
  unchangedMs(id: string, version: FileVersion, atMs = this.elapsedMs()): number {
    const known = this.#waiting.get(id);
    const seenMs = known?.version?.id === version.id ? atMs - known.sinceMs : 0;
    return Math.max(seenMs, this.#now() - version.changedMs - clockSkewMs);
  }

  /** What was last changed before it has been unchanged for long enough by now, however wrong a clock may be. Unix milliseconds. */
  longUnchangedBeforeMs(): number {
    return this.#now() - clockSkewMs - tickMs;
  }

  /** It has been taken, or is gone. */
  done(id: string): void {
    this.#waiting.delete(id);
  }

  /** Each file that waits, by its id, as it was last seen. */
  *all(): Generator<readonly [id: string, seen: SeenFile]> {
    for (const id of this.#waiting.keys()) yield [id, this.at(id) as SeenFile];
  }

  /** Undefined where it does not wait. */
  at(id: string): SeenFile | undefined {
    const known = this.#waiting.get(id);
    return known && { candidate: known.candidate, version: known.version?.id };
  }

  /** To be looked at now. */
  due(most: number): readonly Candidate[] {
    const nowMs = this.elapsedMs();
    const due: Candidate[] = [];
    for (const { candidate, dueMs } of this.#waiting.values()) {
      if (dueMs > nowMs) continue;
      due.push(candidate);
      if (due.length === most) break;
    }
    return due;
  }

  /** Until something is due; Infinity where nothing waits. */
  untilDueMs(): number {
    let first = Infinity;
    for (const { dueMs } of this.#waiting.values()) first = Math.min(first, dueMs);
    return Math.max(0, first - this.elapsedMs());
  }

  #add(candidate: Candidate, version: FileVersion | undefined, delayMs: number, neededMs: number): boolean {
    if (this.#waiting.size >= this.#maxFiles) {
      this.#missed += 1;
      return false;
    }
    const nowMs = this.elapsedMs();
    const dueMs = nowMs + delayMs;
    this.#waiting.set(candidate.id, { candidate, foundMs: nowMs, version, sinceMs: nowMs, dueMs, delayMs, neededMs });
    return true;
  }
}
