/**
 * Entities that are pulled from a REST API, each run of a pull one object, whole or not at all: a plain description, checked when it is
 * made.
 *
 *   rest.pull<User>({
 *     name: 'users',
 *     base: rest.variable('DATA_BASE_URL', 'http://localhost:9090/api/'),
 *     path: 'users',
 *     items: 'users',
 *     total: 'total_users',
 *     pages: rest.offset({ limit: 200, hasMore: 'has_more' }),
 *     key: ({ user_id }) => user_id,
 *   })
 *
 * Members of an answer are named by their path, with dots: `meta.total`.
 */
import type { JsonObject } from './pipeline.ts';
import { checkPull } from './check-pulls.ts';

/** A variable of the environment, read when a run begins. */
export interface Variable {
  readonly variable: string;
  /** Where it is not set; default: then the pull is refused. */
  readonly otherwise?: string;
}

/** The whole list in one answer. */
export interface OnePage {
  readonly kind: 'one';
}

/** `?offset=&limit=`. */
export interface OffsetPages {
  readonly kind: 'offset';
  /** Items a page; at least 2, since each page begins with the last item of the one before. */
  readonly limit: number;
  readonly offsetParameter: string;
  readonly limitParameter: string;
  /** Pages that are asked for at once. More than one where the API says a `total`. */
  readonly parallel: number;
  /** Member: true while there are more. */
  readonly hasMore?: string;
  /** Member: the offset of the next page, which is checked where there are more. */
  readonly nextOffset?: string;
}

/** `?page=&per_page=`. */
export interface NumberedPages {
  readonly kind: 'page';
  readonly size: number;
  readonly first: number;
  readonly pageParameter: string;
  readonly sizeParameter: string;
  /** As by offset. */
  readonly parallel: number;
  /** Member: true while there are more. */
  readonly hasMore?: string;
}

/** `?cursor=`, with what the answer before says. */
export interface CursorPages {
  readonly kind: 'cursor';
  readonly parameter: string;
  /** Member: the cursor of the next page; null, empty or missing: there is none. */
  readonly next: string;
  /** Sent with each request. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** `Link: <...>; rel="next"` (RFC 8288). */
export interface LinkedPages {
  readonly kind: 'link';
  /** Sent with the first request. */
  readonly parameters: Readonly<Record<string, string>>;
}

export type Pages = OnePage | OffsetPages | NumberedPages | CursorPages | LinkedPages;

export interface BearerAuth {
  readonly kind: 'bearer';
  readonly token: Variable;
}

export interface BasicAuth {
  readonly kind: 'basic';
  readonly user: Variable;
  readonly password: Variable;
}

/** OAuth 2.0, RFC 6749 section 4.4. */
export interface ClientCredentials {
  readonly kind: 'client credentials';
  readonly tokenUrl: string | Variable;
  readonly clientId: Variable;
  readonly clientSecret: Variable;
  readonly scope?: string;
}

export type PullAuth = BearerAuth | BasicAuth | ClientCredentials;

/** Only what has changed since the run before. */
export interface Incremental {
  /** Member of an item: when it changed, or the number of its change. */
  readonly field: string;
  /** `time`: RFC 3339 with a zone. */
  readonly type: 'time' | 'integer';
  /** Gets the greatest value of the runs before, less the overlap. */
  readonly parameter: string;
  /** Of times in milliseconds. What was pulled already and comes again in it is left out. */
  readonly overlap: number;
}

export interface PullTimeouts {
  readonly connectMs: number;
  /** From the request to the head of its answer, connecting included. */
  readonly firstByteMs: number;
  /** From the request to the end of its answer. */
  readonly wholeMs: number;
}

export interface PullDefinition<Item extends object> {
  /** Lower-case letters, digits, `_` and `-`; names the runs and their objects, `raw/<name>/date=YYYY-MM-DD/<run>.json`. */
  readonly name: string;
  readonly base: string | Variable;
  /** From the base on; may have a query. */
  readonly path: string;
  /** Default none. */
  readonly auth?: PullAuth;
  /** Member of an answer: the array of items. Default: the answer is the array. */
  readonly items?: string;
  /** Member of an answer: how many items it has. It is checked. */
  readonly count?: string;
  /** Member of an answer: how many items there are in all. It is checked, and a run in which it changes starts over. */
  readonly total?: string;
  /** Default: all in one answer. */
  readonly pages?: Pages;
  /** What tells an item from all others. */
  readonly key: (item: Item) => string;
  /** JSON Schema of an item; what is not of it is kept aside with the reason. Default: objects. */
  readonly schema?: JsonObject;
  /** What is kept of an item; `undefined`: nothing, which is counted. Throws `Reject`. Default: its bytes as they came. */
  readonly transform?: (item: Item) => object | undefined;
  /** Default: each run has everything. */
  readonly incremental?: Incremental;
  /** When a server that runs begins a run: a cron expression, in UTC. Default: only `tributary pull`. */
  readonly schedule?: string;
  /** Of all together. Default: no limit. */
  readonly maxRequestsPerSecond?: number;
  /** Default: connect 5,000, first byte 5,000, whole 60,000. */
  readonly timeouts?: Partial<PullTimeouts>;
  /** Tries of one request, with exponential back-off and full jitter between them. Default 10. */
  readonly attempts?: number;
  /** Of one answer. Default 32 MiB. */
  readonly maxPageBytes?: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- functions of any item type fit here, and only `any` is both a sub- and a supertype
type AnyPull = PullDefinition<any>;

type WithDefaults = 'pages' | 'attempts' | 'maxPageBytes';

export type Pull = Omit<AnyPull, WithDefaults | 'timeouts'> &
  Required<Pick<AnyPull, WithDefaults>> & { readonly timeouts: PullTimeouts };

/** Longer than an answer usually takes, and shorter than one that hangs. */
const defaultTimeouts: PullTimeouts = { connectMs: 5_000, firstByteMs: 5_000, wholeMs: 60_000 };

/** @throws Fault PIPELINE_INVALID */
function pull<Item extends object>(definition: PullDefinition<Item>): Pull {
  checkPull(definition);
  return {
    pages: { kind: 'one' },
    attempts: 10,
    maxPageBytes: 32 * 1024 * 1024,
    ...definition,
    timeouts: { ...defaultTimeouts, ...definition.timeouts },
  };
}

function variable(name: string, otherwise?: string): Variable {
  return { variable: name, ...(otherwise !== undefined && { otherwise }) };
}

type OffsetOptions = Pick<OffsetPages, 'limit'> & Partial<Omit<OffsetPages, 'kind'>>;

function offset(options: OffsetOptions): OffsetPages {
  return { offsetParameter: 'offset', limitParameter: 'limit', parallel: 1, ...options, kind: 'offset' };
}

type NumberedOptions = Pick<NumberedPages, 'size'> & Partial<Omit<NumberedPages, 'kind'>>;

function page(options: NumberedOptions): NumberedPages {
  return { first: 1, pageParameter: 'page', sizeParameter: 'per_page', parallel: 1, ...options, kind: 'page' };
}

type CursorOptions = Pick<CursorPages, 'next'> & Partial<Omit<CursorPages, 'kind'>>;

function cursor(options: CursorOptions): CursorPages {
  return { parameter: 'cursor', parameters: {}, ...options, kind: 'cursor' };
}

function link(parameters: LinkedPages['parameters'] = {}): LinkedPages {
  return { kind: 'link', parameters };
}

function bearer(token: Variable): BearerAuth {
  return { kind: 'bearer', token };
}

function basic(user: Variable, password: Variable): BasicAuth {
  return { kind: 'basic', user, password };
}

function clientCredentials(options: Omit<ClientCredentials, 'kind'>): ClientCredentials {
  return { ...options, kind: 'client credentials' };
}

export const rest = { pull, variable, offset, page, cursor, link, bearer, basic, clientCredentials };
