/** What an event is to a view: what it counts for, and the pairs that it is part of. */
import { Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { CountedFor, PairsMeasure } from '../pipeline/views.ts';
import { type Voided, voided } from '../processing/void-packages.ts';
import { minuteOf } from './buckets.ts';
import { type AnyView, measuresOf } from './rows.ts';
import type { PartitionKeys } from './view-keys.ts';

/** An event that is something to the view. */
export interface Counting {
  /** When the log took it. */
  readonly timeMs: number;
  readonly counted: (CountedFor & { readonly minute: string }) | undefined;
  readonly pairings: readonly Pairing[];
}

export interface Pairing {
  readonly measure: number;
  /** Of the entry of those that it may be paired with. */
  readonly name: string;
  readonly isSecond: boolean;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffffZ` */
const timestampLength = 27;

export class Counter {
  readonly #view: AnyView;
  readonly #keys: PartitionKeys;
  readonly #pairs: readonly (readonly [measure: number, pairs: PairsMeasure<object>])[];

  constructor(view: AnyView, keys: PartitionKeys) {
    this.#view = view;
    this.#keys = keys;
    this.#pairs = measuresOf(view).flatMap((measure, index) =>
      measure.kind === 'pairs' ? [[index, measure] as const] : [],
    );
  }

  /** @throws whatever the view's functions throw */
  of(record: LogRecord, output: object | Reject | Voided): Counting | undefined {
    if (output === voided || output instanceof Reject) return undefined;
    const counted = this.#view.counts(output);
    const pairings: Pairing[] = [];
    for (const [measure, one] of this.#pairs) {
      const isSecond = one.with(output);
      if (counted === undefined && !isSecond) continue;
      pairings.push({ measure, name: this.#keys.joined(measure, one.by(output)), isSecond });
    }
    const { timeMs } = record;
    if (counted === undefined) return pairings.length === 0 ? undefined : { timeMs, counted, pairings };
    const { key, time } = counted;
    if (typeof key !== 'string') throw new Reject('', `expected a key that is a string, got ${JSON.stringify(key)}`);
    if (time.length !== timestampLength)
      throw new Reject('', `expected a timestamp in UTC with microseconds, got ${JSON.stringify(time)}`);
    return { timeMs, counted: { key, time, minute: minuteOf(time) }, pairings };
  }
}
