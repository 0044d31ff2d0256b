/** What an app answers beside its sources: JSON of its views and of the warehouse, the same live, and pages. */
import type { ReadView } from './views.ts';

export interface RouteRequest {
  /** What stands for the names in the route's path, decoded. */
  readonly path: Readonly<Record<string, string>>;
  /** The parameters that the route names, decoded. A live route has none. */
  readonly query: Readonly<Record<string, string>>;
}

export type SqlValue = string | number | boolean | null | readonly string[];

/**
 * The rows of one statement that only reads the warehouse:
 *
 *   await sql<{ name: string }>`SELECT name FROM ports WHERE code = ${code}`
 *
 * What stands in `${}` is sent beside the statement, as `$1`, `$2` and so on, and is never part of it. Throws a Fault:
 * WAREHOUSE_UNAVAILABLE while the warehouse is not up, and where it takes longer than 10 s; WAREHOUSE_TABLE_MISSING;
 * WAREHOUSE_DENIED. They are answered as such (503).
 */
export type Sql = <Row extends object>(
  statement: TemplateStringsArray,
  ...values: readonly SqlValue[]
) => Promise<readonly Row[]>;

/** Throws `Reject` for a request that cannot be answered (400). */
export type AnswerRoute = (request: RouteRequest, read: ReadView, sql: Sql) => Promise<unknown>;

/** `GET <path>`: the answer as JSON. */
export interface JsonRoute {
  readonly kind: 'json';
  /** Such as `/dashboard/symbol/:symbol`. */
  readonly path: string;
  /** Each stands exactly once in the query string, or the request is refused (400). Others are passed over. */
  readonly parameters: readonly string[];
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
