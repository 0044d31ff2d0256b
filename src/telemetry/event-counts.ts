/** The counters of events as numbers, by pipeline, since the process began. */
import type { Counter } from 'prom-client';
import type { Metrics } from './metrics.ts';

export interface EventCounts {
  readonly pipeline: string;
  readonly ingested: number;
  readonly rejected: number;
  /** At ingest and by the processor. */
  readonly deadLettered: number;
}

export async function eventCounts(metrics: Metrics, pipelines: readonly string[]): Promise<readonly EventCounts[]> {
  const [ingested, rejected, deadLettered] = await Promise.all(
    [metrics.eventsIngested, metrics.eventsRejected, metrics.eventsDeadLettered].map(sumsOf),
  );
  return pipelines.map((pipeline) => ({
    pipeline,
    ingested: ingested?.get(pipeline) ?? 0,
    rejected: rejected?.get(pipeline) ?? 0,
    deadLettered: deadLettered?.get(pipeline) ?? 0,
  }));
}

async function sumsOf(counter: Counter): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  for (const { labels, value } of (await counter.get()).values) {
    const pipeline = String(labels['pipeline']);
    sums.set(pipeline, (sums.get(pipeline) ?? 0) + value);
  }
  return sums;
}
