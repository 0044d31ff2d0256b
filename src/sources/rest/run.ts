/** A run: one pull of one entity. */

/** `fetching`: goes on where it stopped. `fetched`: all is here, and on its way into the object store. The others have ended. */
export type RunState = 'fetching' | 'fetched' | 'done' | 'failed';

export interface Run {
  /** `<time of its beginning>-<six random digits>`: sorts by time. */
  readonly id: string;
  readonly pull: string;
  readonly state: RunState;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** From which value of the field of an incremental pull on; null: from the beginning. */
  readonly since: number | null;
  /** How many items there are in all, as the API says; null where it does not. */
  readonly total: number | null;
  readonly pages: number;
  /** Of the API's; `items = kept + refused + leftOut + known`. */
  readonly items: number;
  /** Lines of the object. */
  readonly kept: number;
  /** Not of the schema, or rejected by the pull's functions: in the object `deadLetters`. */
  readonly refused: number;
  /** By the transform. */
  readonly leftOut: number;
  /** Versions that an earlier run of an incremental pull has, and within one run what came again. */
  readonly known: number;
  /** How often it began anew, as the list had changed. */
  readonly restarts: number;
  /** Why it does not go on, or began anew, last. */
  readonly reason: string | null;
  /** Keys of objects; null while it is not done, and where there is nothing to keep. */
  readonly object: string | null;
  readonly deadLetters: string | null;
}

export type Counts = Pick<Run, 'items' | 'kept' | 'refused' | 'leftOut' | 'known'>;

export function runId(atMs: number): string {
  const digits = new Date(atMs).toISOString().replaceAll(/[^0-9]/g, '');
  const suffix = Math.floor(Math.random() * 0x1_00_00_00).toString(16);
  return `${digits.slice(0, 8)}T${digits.slice(8)}Z-${suffix.padStart(6, '0')}`;
}

export function objectKey({ pull, id, startedAt }: Pick<Run, 'pull' | 'id' | 'startedAt'>): string {
  return `raw/${pull}/date=${startedAt.slice(0, 10)}/${id}.json`;
}

export function deadLettersKey({ pull, id, startedAt }: Pick<Run, 'pull' | 'id' | 'startedAt'>): string {
  return `dead-letter/${pull}/date=${startedAt.slice(0, 10)}/${id}.json`;
}
