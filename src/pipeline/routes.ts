/** What an app answers beside its sources: JSON of its views, the same live, and pages. */
import type { ReadView } from './views.ts';

export interface RouteRequest {
  /** What stands for the names in the route's path, decoded. */
  readonly path: Readonly<Record<string, string>>;
}

/** Throws `Reject` for a request that cannot be answered (400). */
export type AnswerRoute = (request: RouteRequest, read: ReadView) => Promise<unknown>;

/** `GET <path>`: the answer as JSON. */
export interface JsonRoute {
  readonly kind: 'json';
  /** Such as `/dashboard/symbol/:symbol`. */
  readonly path: string;
  readonly answer: AnswerRoute;
}

/** `GET <path>`, without names in it: server-sent events, each the answer as JSON, as often as it has changed. */
export interface LiveRoute {
  readonly kind: 'live';
  readonly path: string;
  readonly answer: AnswerRoute;
}

/** `GET <path>`: an HTML file. */
export interface PageRoute {
  readonly kind: 'page';
  readonly path: string;
  readonly file: URL;
}

export type Route = JsonRoute | LiveRoute | PageRoute;
