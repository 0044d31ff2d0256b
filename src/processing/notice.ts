/** What a processor does that somebody ought to know of, beside landing batches. Offsets `from <= offset < to`. */
export type Notice = LandsAgain | PassedOver | LeftOut | ReplayStopped;

/** Sinks with checkpoints of their own are behind: their database is another, or was restored. What the log still has lands there again. */
export interface LandsAgain {
  readonly kind: 'lands again';
  readonly from: number;
  readonly to: number;
  /** Below `from`: the log does not have it any more, and these sinks do not get it. Empty where it has all. */
  readonly gone: { readonly from: number; readonly to: number };
  readonly sinks: readonly string[];
}

/** The log does not have these records any more. */
export interface PassedOver {
  readonly kind: 'passed over';
  readonly from: number;
  readonly to: number;
  /** `lost`: they have not landed in every sink, though this consumer was known. `new`: they were gone before it began. */
  readonly why: 'lost' | 'new';
}

/**
 * Events that have landed in a sink before, and that code which has changed since, or another sink, now refuses. They are no
 * dead letters, which could land a second time: the sinks that do not have them go without.
 */
export interface LeftOut {
  readonly kind: 'left out';
  readonly events: number;
  /** The first of them, and why it is refused. */
  readonly first: { readonly offset: number; readonly path: string; readonly message: string };
}

/** A replay met what no other try makes good; it goes on when it is asked for again. What is new lands all the same. */
export interface ReplayStopped {
  readonly kind: 'replay stopped';
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}
