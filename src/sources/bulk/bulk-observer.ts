/** What batches tell of themselves, for metrics and log lines. */

/** `validating`: against the tables; `inserting`: up to the end of the commit. */
export type BatchPhase = 'receiving' | 'validating' | 'inserting';

/**
 * `rejected`: for its rows. `refused`: for what its sender did otherwise, such as to go half-way. `busy`: for want of room.
 * `failed`: for what is nobody's fault who sends.
 */
export type BatchOutcome = 'committed' | 'checked' | 'repeated' | 'rejected' | 'refused' | 'busy' | 'failed';

export interface BatchObserver {
  /** It leaves the phase before. */
  entered(phase: BatchPhase): void;
  /** Of the body, decompressed. */
  received(bytes: number): void;
  ended(outcome: BatchOutcome, rows: number): void;
}

export interface BulkObserver {
  began(): BatchObserver;
  /** Old statuses stay for now; no batch suffers. */
  notForgotten(error: unknown): void;
}

const unobserved: BatchObserver = {
  entered: () => undefined,
  received: () => undefined,
  ended: () => undefined,
};

export const noObserver: BulkObserver = { began: () => unobserved, notForgotten: () => undefined };
