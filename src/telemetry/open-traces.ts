/** Traces where an exporter is configured; where none is, nothing of OpenTelemetry's SDK is loaded. */
import type { Config } from '../config/config.ts';
import type { SpanExportOptions } from './otlp/span-export.ts';
import type { Traces } from './tracing.ts';

export type TraceSettings = Config['traces'];

export interface TraceObservers extends SpanExportOptions {
  /** Of Tributary. */
  readonly version: string;
}

export async function openTraces(settings: TraceSettings, observers: TraceObservers): Promise<Traces | undefined> {
  if (settings.endpoint === undefined || settings.sampler === 'always_off') return undefined;
  const { createOtlpTraces } = await import('./otlp/otlp-traces.ts');
  return createOtlpTraces({ ...settings, endpoint: settings.endpoint }, observers);
}
