/** Where a pipeline's events come from. What is given here is checked by `definePipeline`. */
import type { AnswerRoute, JsonRoute, LiveRoute, PageRoute } from './routes.ts';
import type { Envelope, FileSource, HttpSource, RequestEndpoint, RequestSource } from './pipeline.ts';

export interface HttpPostOptions {
  /** Events a package, at most; up to 2^24, which is what a correlation id can number. Default 100,000. */
  readonly maxEvents?: number;
  /** Bytes a package, at most, after decompression. Default 32 MiB. */
  readonly maxPackageBytes?: number;
  /** Default: a package is an array of events, one event, or NDJSON, and each event is taken or refused by itself. */
  readonly envelope?: Envelope;
}

/** Packages of events at `POST <path>`. */
function post(path: string, options: HttpPostOptions = {}): HttpSource {
  return { maxEvents: 100_000, maxPackageBytes: 32 * 1024 * 1024, ...options, kind: 'http', path };
}

/** Each request to one of the endpoints is one event. */
function requests<Event>(endpoints: readonly RequestEndpoint<NoInfer<Event>>[]): RequestSource<Event> {
  return { kind: 'requests', endpoints };
}

export interface HttpGetOptions {
  /** Of the query string; each has to be there, once. Default none. */
  readonly parameters?: readonly string[];
}

function get(path: string, answer: AnswerRoute, options: HttpGetOptions = {}): JsonRoute {
  return { parameters: [], ...options, kind: 'json', path, answer };
}

function live(path: string, answer: AnswerRoute): LiveRoute {
  return { kind: 'live', path, answer };
}

function page(path: string, file: URL): PageRoute {
  return { kind: 'page', path, file };
}

export const http = { post, requests, get, live, page };

/** What may be left out has these defaults. */
export interface InboxOptions extends Partial<Omit<FileSource, 'kind' | 'directories'>> {
  readonly directories: FileSource['directories'];
}

/**
 * Files that other programs put into directories, at once or bit by bit. Defaults: `format` json, `match` `*.json` or `*.ndjson`,
 * `afterwards` leave, no `subdirectories`, `settledAfterMs` 10,000, `maxFileBytes` 32 MiB, `listEveryMs` 5,000.
 */
function inbox(options: InboxOptions): FileSource {
  const { format = 'json' } = options;
  return { ...inboxDefaults, match: `*.${format}`, ...options, format, kind: 'files' };
}

const inboxDefaults = {
  subdirectories: false,
  afterwards: 'leave',
  // Longer than a writer that lives usually pauses; what waits so long for nothing is only a file that is refused in the end, or of lines.
  settledAfterMs: 10_000,
  maxFileBytes: 32 * 1024 * 1024,
  listEveryMs: 5_000,
} as const;

export const files = { inbox };
