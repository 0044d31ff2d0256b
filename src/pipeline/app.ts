/**
 * What an app offers the platform: `apps/<name>/<name>.ts` exports it as `app`.
 *
 *   export const app = { pipeline, generate: generateEvents } satisfies App;
 */
import type { Bulk } from './bulk.ts';
import type { Dataset } from './dataset.ts';
import type { Pipeline } from './pipeline.ts';
import type { Pull } from './pulls.ts';
import type { Route } from './routes.ts';

export interface App {
  /** What it does with events. Default nothing. */
  readonly pipeline?: Pipeline;
  /** A table that takes batches. Default none. */
  readonly bulk?: Bulk;
  /** Entities of REST APIs. Default none. */
  readonly pulls?: readonly Pull[];
  /** Default none. */
  readonly routes?: readonly Route[];
  /** Events for tests and benchmarks, as producers send them: `tributary generate <pipeline name>`. */
  readonly generate?: GenerateEvents;
  /** Tables that it reads. Default none. */
  readonly dataset?: Dataset;
}

/** An app that does something with events. */
export type EventApp = App & { readonly pipeline: Pipeline };

/** Lines of JSON, one event each, without line ends. Lazy: makes an event when it is asked for. */
export type GenerateEvents = (options: GenerateOptions) => Iterable<string>;

export interface GenerateOptions {
  /** How many events, invalid ones included. */
  readonly count: number;
  /** 0 to 1; exactly `Math.round(count * invalidShare)` events are invalid. Every line is JSON all the same. */
  readonly invalidShare: number;
  /** The same seed gives the same events within a UTC day. */
  readonly seed: number | string;
  /** Unix milliseconds; events lie before the start of its UTC day. Default `Date.now`. */
  readonly now?: () => number;
}
