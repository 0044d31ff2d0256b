/** A dead letter as commands and the admin API show it: the shape of its object, its pipeline, and what has been done about it. */
import { receivedBytes } from './dead-letter-sink.ts';
import type { Letter } from './letters.ts';
import { type LetterStatus, standingReplay } from './repair.ts';

export type LetterState = 'open' | 'edited' | 'replayed';

export function stateOf(status: LetterStatus | undefined): LetterState {
  if (standingReplay(status)) return 'replayed';
  return (status?.edits.length ?? 0) > 0 ? 'edited' : 'open';
}

export function letterJson(letter: Letter) {
  const { correlationId, packageId, index, receivedAt, at, pipeline, path, message, traceparent, file, status } =
    letter;
  return {
    correlationId,
    packageId,
    index,
    receivedAt,
    at,
    pipeline,
    ...(file !== undefined && { file }),
    error: { path, message },
    state: stateOf(status),
    edits: (status?.edits ?? []).map(({ timeMs }) => ({ at: isoTime(timeMs) })),
    replays: (status?.replays ?? []).map(({ timeMs, as }) => ({ at: isoTime(timeMs), correlationId: as })),
    ...(traceparent !== undefined && { traceparent }),
    ...receivedBytes(letter),
    ...(letter.current !== letter.event && { edited: letter.current.toString() }),
  };
}

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
