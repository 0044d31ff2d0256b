/** What an event is to a view: what it counts for, and the pairs that it is part of. */
import { Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { CountedFor, PairsMeasure } from '../pipeline/views.ts';
import { Filtered } from '../processing/convert.ts';
import { type Converted, voided } from '../processing/void-packages.ts';
import { minuteOf } from './buckets.ts';
import type { Joined } from './joined.ts';
import { type AnyView, type Group, measuresOf } from './rows.ts';
import { segmentOf } from './view-keys.ts';

/** An event that is something to the view. */
export interface Counting {
  /** When the log took it. */
  readonly timeMs: number;
  readonly counted: (CountedFor & { readonly minute: string }) | undefined;
  readonly pairings: readonly Pairing[];
  /** Where it is counted, once that is in memory (`EntryCache.load`). */
  group: Group | undefined;
}

export interface Pairing {
  readonly measure: number;
  /** Names those that it may be paired with. */
  readonly segment: string;
  readonly isSecond: boolean;
  /** What is remembered of those, once it is in memory (`EntryCache.load`). */
  joined: Joined | undefined;
}

const none: readonly Pairing[] = [];

/** `YYYY-MM-DDTHH:MM:SS.ffffffZ` */
const timestampLength = 27;

export class Counter {
  readonly #view: AnyView;
  readonly #pairs: readonly (readonly [measure: number, pairs: PairsMeasure<object>])[];

  constructor(view: AnyView) {
    this.#view = view;
    this.#pairs = measuresOf(view).flatMap((measure, index) =>
      measure.kind === 'pairs' ? [[index, measure] as const] : [],
    );
  }

  /** @throws whatever the view's functions throw */
  of(record: LogRecord, output: Converted<object>): Counting | undefined {
    if (output === voided || output instanceof Reject || output instanceof Filtered) return undefined;
    const counted = this.#view.counts(output);
    let pairings = none;
    for (const [measure, one] of this.#pairs) {
      const isSecond = one.with(output);
      if (counted === undefined && !isSecond) continue;
      const pairing: Pairing = { measure, segment: segmentOf(one.by(output)), isSecond, joined: undefined };
      pairings = pairings === none ? [pairing] : [...pairings, pairing]; // not pushed: that reserves room for seventeen
    }
    const { timeMs } = record;
    if (counted === undefined)
      return pairings.length === 0 ? undefined : { timeMs, counted, pairings, group: undefined };
    const { key, time } = counted;
    if (typeof key !== 'string') throw new Reject('', `expected a key that is a string, got ${JSON.stringify(key)}`);
    if (time.length !== timestampLength)
      throw new Reject('', `expected a timestamp in UTC with microseconds, got ${JSON.stringify(time)}`);
    return { timeMs, counted: { key, time, minute: minuteOf(time) }, pairings, group: undefined };
  }
}
