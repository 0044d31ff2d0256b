/**
 * What is traced. A request is sampled as the configuration says, by OpenTelemetry's own samplers; its parts go with it. A batch
 * is traced when an event of a traced package is in it: otherwise a trace would end at the log.
 */
import { type Context, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { TraceSettings } from '../open-traces.ts';

type SamplerSettings = Pick<TraceSettings, 'sampler' | 'sampleRatio'>;

export function createSampler(settings: SamplerSettings): Sampler {
  const configured = samplerOf(settings);
  const { RECORD_AND_SAMPLED: yes, NOT_RECORD: no } = SamplingDecision;
  return {
    shouldSample: (context, ...span) => {
      const links = span[4];
      if (links.length > 0) return { decision: yes };
      const isSampled = localParent(context);
      if (isSampled !== undefined) return { decision: isSampled ? yes : no };
      return configured.shouldSample(context, ...span);
    },
    toString: () => configured.toString(),
  };
}

function samplerOf({ sampler, sampleRatio }: SamplerSettings): Sampler {
  const root = rootOf(sampler, sampleRatio);
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function rootOf(sampler: SamplerSettings['sampler'], ratio: number): Sampler {
  if (sampler.endsWith('always_on')) return new AlwaysOnSampler();
  return sampler.endsWith('always_off') ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}

/** Whether the span of ours that this one is a part of is sampled; undefined where there is none. */
function localParent(context: Context): boolean | undefined {
  const parent = trace.getSpanContext(context);
  if (parent === undefined || parent.isRemote === true) return undefined;
  return (parent.traceFlags & 1) === 1;
}
