/** A request as it is kept; `schemas/signals.raw-value.schema.json` says the same. */
import type { Timestamp } from 'tributary';

interface Request {
  /** Version 4, in lower case. */
  readonly uuid: string;
  readonly time: Timestamp;
}

/** A client asks whether a symbol is a vowel. */
export interface Initial extends Request {
  readonly kind: 'initial';
  /** a to z */
  readonly symbol: string;
  /** What it was answered. */
  readonly is_vowel: boolean;
}

/** A client comes back, and does not say its symbol again. */
export interface Followup extends Request {
  readonly kind: 'followup';
  readonly symbol: null;
  readonly is_vowel: null;
}

export type Signal = Initial | Followup;
