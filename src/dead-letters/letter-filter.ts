/** Which dead letters are meant: those to which everything that is given applies. */
import type { DeadLetter } from './dead-letter.ts';
import { type LetterStatus, standingReplay } from './repair.ts';

export interface LetterFilter {
  /** Correlation ids. */
  readonly ids?: readonly string[] | undefined;
  readonly pipeline?: string | undefined;
  /** Where it was refused. */
  readonly at?: DeadLetter['at'] | undefined;
  /** Part of `path: message` of the newest reason, in any case of letters. */
  readonly reason?: string | undefined;
  /** Unix milliseconds, of receipt; inclusive. */
  readonly sinceMs?: number | undefined;
  /** Exclusive. */
  readonly untilMs?: number | undefined;
  /** Part of the event as it stands, byte by byte. */
  readonly text?: string | undefined;
  readonly replayed?: boolean | undefined;
}

/** Everything but `ids` and `text`. */
export function isMeant(letter: DeadLetter, status: LetterStatus | undefined, filter: LetterFilter): boolean {
  const { pipeline, at, reason, sinceMs, untilMs, replayed } = filter;
  if (pipeline !== undefined && letter.pipeline !== pipeline) return false;
  if (at !== undefined && letter.at !== at) return false;
  const receivedMs = Date.parse(letter.receivedAt);
  if (sinceMs !== undefined && receivedMs < sinceMs) return false;
  if (untilMs !== undefined && receivedMs >= untilMs) return false;
  if (replayed !== undefined && (standingReplay(status) !== undefined) !== replayed) return false;
  return reason === undefined || reasonOf(letter).toLowerCase().includes(reason.toLowerCase());
}

export function reasonOf({ path, message }: Pick<DeadLetter, 'path' | 'message'>): string {
  return path === '' ? message : `${path}: ${message}`;
}
