/**
 * The way out of spans that have ended: a queue of at most 2,048, sent in batches. Whoever ends a span never waits. What finds
 * the queue full, and what the receiver does not take, is dropped, counted, and told at most once a minute.
 */
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';

export interface SpanExportOptions {
  readonly logger: Logger;
  /** Told of what became of spans. */
  readonly onSpans: (outcome: 'exported' | 'dropped', spans: number) => void;
  /** Milliseconds; default: the process's own clock, which never goes back. */
  readonly now?: () => number;
}

/** OpenTelemetry's own defaults. */
const maxQueueSize = 2048;
const maxExportBatchSize = 512;
/** Of a trace, the last span is seen so long after it has ended. */
const scheduledDelayMillis = 1000;
const tellEveryMs = 60_000;

/** @param exporter takes one batch after the other, and several at once when everything is flushed */
export function createSpanExport(exporter: SpanExporter, options: SpanExportOptions): SpanProcessor {
  const losses = new Losses(options);
  let queued = 0;
  const counted: SpanExporter = {
    export: (spans, done) => {
      queued -= spans.length;
      exporter.export(spans, (result: ExportResult) => {
        if (result.code === ExportResultCode.SUCCESS) options.onSpans('exported', spans.length);
        else losses.add(spans.length, result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({ exporter: counted, maxQueueSize, maxExportBatchSize, scheduledDelayMillis });
  return {
    onStart: () => undefined,
    onEnd: (span: ReadableSpan) => {
      if (queued >= maxQueueSize) return losses.add(1, new Error(`the queue of ${maxQueueSize} spans is full`));
      queued += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

class Losses {
  readonly #options: SpanExportOptions;
  #untold = 0;
  #toldMs = -Infinity;

  constructor(options: SpanExportOptions) {
    this.#options = options;
  }

  add(spans: number, error: unknown): void {
    const { logger, onSpans, now = () => performance.now() } = this.#options;
    onSpans('dropped', spans);
    this.#untold += spans;
    if (now() - this.#toldMs < tellEveryMs) return;
    logger.warn({ err: error, spans: this.#untold }, 'trace spans were dropped; events are not affected');
    this.#toldMs = now();
    this.#untold = 0;
  }
}
