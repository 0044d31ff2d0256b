/**
 * Spans as those see them who do the work: of a package from its request to the log, of a batch from the log to its sinks.
 * A span that is undefined costs nothing and leads to none: no exporter is configured, or the request is not sampled. Never one for each event.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** W3C's `traceparent` of this span, for the records that come of it. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** A part of this span's work. */
  begin(name: string, options?: SpanOptions): Span;
  /** A part that is over. @param fromMs and @param toMs are Unix milliseconds */
  add(name: string, fromMs: number, toMs: number): void;
  /** Once. @param error why the work failed */
  end(error?: unknown): void;
}

export interface SpanOptions {
  /** Default: work within the process. */
  readonly kind?: 'producer';
  readonly attributes?: SpanAttributes;
}

export interface IncomingRequest {
  readonly name: string;
  /** In lower case; those of W3C Trace Context are read. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly attributes: SpanAttributes;
}

export interface LandingBatch {
  readonly name: string;
  readonly attributes: SpanAttributes;
  /** Unix milliseconds. */
  readonly fromMs: number;
  /** `traceparent` of each package that has events in the batch, or of some; what is none is left out. */
  readonly links: Iterable<string>;
}

export interface Traces {
  /** Goes on in the producer's trace where the request says so. Undefined where it is not sampled. */
  request(request: IncomingRequest): Span | undefined;
  /** Linked to the packages that its events came in. Undefined where none of them is sampled. */
  batch(batch: LandingBatch): Span | undefined;
  /** Sends what is left, within a limit; never rejects. */
  close(): Promise<void>;
}

/** Header of a record: the `traceparent` of the span of its package, where that is sampled. */
export const traceHeader = 'traceparent';

/** Does the work, and ends the span with it. */
export function within<T>(span: Span | undefined, work: () => Promise<T>): Promise<T> {
  return span === undefined ? work() : endingWith(span, work);
}

async function endingWith<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
