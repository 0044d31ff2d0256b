/** A sampled span of OpenTelemetry's, and the parts of its work. */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type * as otel from '@opentelemetry/api';
import { reasonOf } from '../../errors.ts';
import { withoutSecrets } from '../logger.ts';
import type { Span, SpanAttributes, SpanOptions } from '../tracing.ts';

const maxMessageChars = 1024;

export class OtlpSpan implements Span {
  readonly #tracer: Tracer;
  readonly #span: otel.Span;
  /** Of the parts. */
  readonly #context: Context;

  constructor(tracer: Tracer, span: otel.Span, context: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = context;
  }

  get traceparent(): string {
    const { traceId, spanId } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-01`;
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  begin(name: string, { kind, attributes = {} }: SpanOptions = {}): Span {
    const options = { kind: kind === 'producer' ? SpanKind.PRODUCER : SpanKind.INTERNAL, attributes };
    const span = this.#tracer.startSpan(name, options, this.#context);
    return new OtlpSpan(this.#tracer, span, trace.setSpan(ROOT_CONTEXT, span));
  }

  add(name: string, fromMs: number, toMs: number): void {
    this.#tracer.startSpan(name, { startTime: new Date(fromMs) }, this.#context).end(new Date(toMs));
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setAttributes({ 'error.type': typeOf(error) });
      this.#span.setStatus({
        code: SpanStatusCode.ERROR,
        message: withoutSecrets(reasonOf(error)).slice(0, maxMessageChars),
      });
    }
    this.#span.end();
  }
}

/** A code of ours, of the system or of PostgreSQL; else the error's name. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}
