/**
 * Traces by OpenTelemetry's SDK, sent as OTLP over HTTP (protobuf). A receiver that is down, slow or broken costs spans and
 * nothing else: ending a span only queues it, and closing waits up to 2 s.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, ROOT_CONTEXT, type Tracer, SpanKind, defaultTextMapGetter, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { type Resource, defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { readPairs } from '../../config/pairs.ts';
import type { TraceObservers, TraceSettings } from '../open-traces.ts';
import type { IncomingRequest, LandingBatch, Traces } from '../tracing.ts';
import { OtlpSpan } from './otlp-span.ts';
import { createSampler } from './sampler.ts';
import { createSpanExport } from './span-export.ts';

/** What is not sent by then is lost: a receiver that hangs must not hold up the end of the process. */
const closeWithinMs = 2000;
/** As many batches as the full queue has, and one that is under way. */
const concurrencyLimit = 5;
/** Of others' words, such as a user agent. */
const attributeValueLengthLimit = 1024;

export type OtlpSettings = TraceSettings & { readonly endpoint: string };

export function createOtlpTraces(settings: OtlpSettings, observers: TraceObservers): Traces {
  const headers = Object.fromEntries(readPairs(settings.headers ?? '') ?? []);
  const exporter = new OTLPTraceExporter({ url: settings.endpoint, headers, concurrencyLimit });
  return createTraces(settings, exporter, observers);
}

function createTraces(settings: TraceSettings, exporter: SpanExporter, observers: TraceObservers): Traces {
  const provider = new TracerProvider({
    resource: resourceOf(settings, observers.version),
    sampler: createSampler(settings),
    spanProcessors: [createSpanExport(exporter, observers)],
    spanLimits: { attributeValueLengthLimit },
  });
  const tracer = provider.getTracer('tributary', observers.version);
  return {
    request: (request) => startRequest(tracer, request),
    batch: (batch) => startBatch(tracer, batch),
    close: async () => {
      const sent = provider.shutdown().catch(() => undefined); // what could not be sent is counted and told
      const inTime = new AbortController();
      const tooLate = sleep(closeWithinMs, undefined, inTime).catch(() => undefined); // it was in time
      await Promise.race([sent, tooLate]);
      inTime.abort();
    },
  };
}

/** As OpenTelemetry orders them: OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES, those over what we say of ourselves. */
function resourceOf({ serviceName, resourceAttributes = '' }: TraceSettings, version: string): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'tributary', 'service.version': version }))
    .merge(resourceFromAttributes(Object.fromEntries(readPairs(resourceAttributes) ?? [])))
    .merge(resourceFromAttributes(serviceName === undefined ? {} : { 'service.name': serviceName }));
}

const w3c = new W3CTraceContextPropagator();

function startRequest(tracer: Tracer, { name, headers, attributes }: IncomingRequest): OtlpSpan | undefined {
  const parent = w3c.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  return sampled(tracer, name, { kind: SpanKind.SERVER, attributes }, parent);
}

function startBatch(tracer: Tracer, { name, attributes, fromMs, links }: LandingBatch): OtlpSpan | undefined {
  const packages = [...links].flatMap((traceparent) => {
    const context = parseTraceParent(traceparent);
    return context === null ? [] : [{ context: { ...context, isRemote: true } }];
  });
  if (packages.length === 0) return undefined;
  const options = { kind: SpanKind.CONSUMER, attributes, links: packages, startTime: new Date(fromMs) };
  return sampled(tracer, name, options, ROOT_CONTEXT);
}

function sampled(
  tracer: Tracer,
  name: string,
  options: Parameters<Tracer['startSpan']>[1],
  parent: Context,
): OtlpSpan | undefined {
  const span = tracer.startSpan(name, options, parent);
  if (!span.isRecording()) return undefined;
  return new OtlpSpan(tracer, span, trace.setSpan(ROOT_CONTEXT, span));
}
