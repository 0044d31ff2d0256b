/**
 * Views: aggregates by key and time that follow the log (docs/decisions/views.md).
 *
 *   const bySymbol = view({
 *     name: 'by-symbol',
 *     counts: (signal: Signal) => (signal.kind === 'initial' ? { key: signal.symbol, time: signal.time } : undefined),
 *     measures: { count: count(), earliest: first(), latest: last(), followups: pairs({ ... }) },
 *   });
 */
import type { Timestamp } from '../event/time.ts';

/** What an event counts for. */
export interface CountedFor {
  /** The group. */
  readonly key: string;
  /** The event's own time: a range of time is read by it. */
  readonly time: Timestamp;
}

export interface CountMeasure {
  readonly kind: 'count' | 'first' | 'last';
}

export interface PairsOptions<Output> {
  /** What the two have in common. */
  readonly by: (event: Output) => string;
  /** Whether the event is the second of a pair; the first is each event that is counted. Whichever came first. */
  readonly with: (event: Output) => boolean;
  /** An event that comes later than this after the last one with the same `by` finds no pair: what is remembered is bounded by it. */
  readonly keptForDays: number;
}

export interface PairsMeasure<Output> extends PairsOptions<Output> {
  readonly kind: 'pairs';
}

export type Measure<Output, Value> = (CountMeasure | PairsMeasure<Output>) & {
  /** For the compiler only. */
  readonly value?: Value;
};

/** A row of measures by their names. */
export type Measures<Output, Row> = { readonly [Name in keyof Row]: Measure<Output, Row[Name]> };

export interface View<Output, Row = unknown> {
  /** Lower-case letters, digits and hyphens; unique in its pipeline. */
  readonly name: string;
  /** The group and the time that an event counts for; undefined: for none. A pure function. */
  readonly counts: (event: Output) => CountedFor | undefined;
  readonly measures: Measures<Output, Row>;
}

/** Over what was counted. Reading waits for what was in the log when it began. */
export interface ViewReader<Row> {
  /** Over all time. */
  at(key: string): Promise<Row>;
  /** Over all time, of each key that has anything, in the order of the keys. */
  all(): Promise<ReadonlyMap<string, Row>>;
  /** Over `lower <= time < upper`. */
  between(lower: Minute, upper: Minute): Promise<ReadonlyMap<string, Row>>;
}

/** A view of whatever events. */
// oxlint-disable-next-line typescript/no-explicit-any -- functions of any event type fit here, and only `any` is both a sub- and a supertype
export type ViewOf<Row> = View<any, Row>;

/** The reader of a view of the pipeline. */
export type ReadView = <Row>(view: ViewOf<Row>) => ViewReader<Row>;

declare const minuteBrand: unique symbol;

/** `YYYY-MM-DDTHH:MM`, UTC: of `parseMinute`. */
export type Minute = string & { readonly [minuteBrand]: true };

/** How many. */
export function count(): Measure<unknown, number> {
  return { kind: 'count' };
}

/** The earliest time; null where there is none. */
export function first(): Measure<unknown, Timestamp | null> {
  return { kind: 'first' };
}

/** The latest time; null where there is none. */
export function last(): Measure<unknown, Timestamp | null> {
  return { kind: 'last' };
}

/** How many pairs of an event that is counted and one that is `with` it: two of the one and three of the other are six. */
export function pairs<Output>(options: PairsOptions<Output>): Measure<Output, number> {
  return { kind: 'pairs', ...options };
}

export function view<Output, Row>(definition: View<Output, Row>): View<Output, Row> {
  return definition;
}
