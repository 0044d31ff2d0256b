/**
 * What is done about a dead letter: edits, replays, and what came of these. Each is a record of the topic `tributary.repairs`,
 * under the letter's correlation id, appended in one batch with what it tells of (a replay's record with the event itself),
 * so neither is ever there without the other (D9). What a letter's repairs come to is its status.
 */
import type { LogRecord, NewRecord } from '../log/log.ts';

export const repairsTopic = { name: 'tributary.repairs', partitions: 1 } as const;

export type Repair =
  | { readonly kind: 'edit' }
  /** The event is in its pipeline's topic, with this correlation id of its own. */
  | { readonly kind: 'replay'; readonly as: string }
  /** A replay came to nothing. `replay`: the event that the processor refused; of what was refused before that there is none. */
  | { readonly kind: 'refusal'; readonly path: string; readonly message: string; readonly replay?: string };

export interface LetterStatus {
  /** Of the newest repair that is part of this: applying an older one again changes nothing. */
  readonly offset: number;
  readonly edits: readonly { readonly timeMs: number; readonly offset: number }[];
  readonly replays: readonly { readonly timeMs: number; readonly as: string }[];
  /** Why the newest replay came to nothing. */
  readonly refusal?: { readonly timeMs: number; readonly path: string; readonly message: string };
  /** The newest replay that the processor refused. */
  readonly refusedReplay?: string;
}

const nothing = Buffer.alloc(0);

/** @param event the whole event as edited; only edits have one */
export function repairRecord(letterId: string, repair: Repair, event: Uint8Array = nothing): NewRecord {
  return {
    topic: repairsTopic.name,
    key: letterId,
    value: event,
    headers: [['repair', JSON.stringify(repair)]],
  };
}

/** Undefined for a record that `repairRecord` has not made. */
export function readRepair(record: LogRecord): Repair | undefined {
  const header = record.headers.find(([name]) => name === 'repair');
  if (header === undefined || record.key === null) return undefined;
  try {
    return JSON.parse(header[1].toString()) as Repair;
  } catch {
    return undefined;
  }
}

export function withRepair(
  before: LetterStatus | undefined,
  repair: Repair,
  { offset, timeMs }: Pick<LogRecord, 'offset' | 'timeMs'>,
): LetterStatus {
  if (before !== undefined && before.offset >= offset) return before;
  const status = { ...(before ?? { edits: [], replays: [] }), offset };
  if (repair.kind === 'edit') return { ...status, edits: [...status.edits, { timeMs, offset }] };
  if (repair.kind === 'replay') return { ...status, replays: [...status.replays, { timeMs, as: repair.as }] };
  const { path, message, replay } = repair;
  const refused = { ...status, refusal: { timeMs, path, message } };
  return replay === undefined ? refused : { ...refused, refusedReplay: replay };
}

/** The replay that stands: it is in the log and has not been refused. The letter can be neither edited nor replayed then. */
export function standingReplay(status: LetterStatus | undefined): LetterStatus['replays'][number] | undefined {
  const last = status?.replays.at(-1);
  return last === undefined || last.as === status?.refusedReplay ? undefined : last;
}
