/**
 * What a process counts, in a registry of its own: what went in, what became of it, how long it took. Once a processor has
 * caught up, ingested = landed (in each sink) + dropped + dead-lettered by the processor (D2). Those who count call these
 * directly, once a package or batch, not once an event. What is measured on demand is in `live-gauges.ts`.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { bulkMetrics } from './bulk-metrics.ts';
import { pullMetrics } from './pull-metrics.ts';

export type Metrics = ReturnType<typeof createMetrics>;

const prefix = 'tributary_';

/** From half a millisecond, which a sync of a fast disk takes, to the 5 s after which producers give up, and beyond. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Gauges that end as counters do, which promtool refuses; `nodejs_active_resources` and the like tell the same by type. */
const misnamed = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  return {
    registry,
    ...eventCounters(registry),
    ...fileMetrics(registry),
    ...durations(registry),
    ...bulkMetrics(registry),
    ...pullMetrics(registry),
  };
}

function eventCounters(registry: Registry) {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `${prefix}${name}_total`, help, labelNames: [...labelNames], registers: [registry] });
  return {
    /** Accepted into the log. */
    eventsIngested: counter('events_ingested', 'Events accepted into the log.', ['pipeline']),
    /** Refused at ingest; each of them is a dead letter too. */
    eventsRejected: counter('events_rejected', 'Events that were invalid as they came in.', ['pipeline']),
    /** `at`: ingest or processor. */
    eventsDeadLettered: counter('events_dead_lettered', 'Events kept as dead letters.', ['pipeline', 'at']),
    eventsLanded: counter('events_landed', 'Events committed in a sink.', ['pipeline', 'sink']),
    eventsReplayed: counter('events_replayed', 'Events committed in a sink once more, by a replay of a pipeline.', [
      'pipeline',
      'sink',
    ]),
    /** Each of them was in the sinks, or was dropped. */
    replaysRefused: counter(
      'replays_refused',
      'Events that a replay of a pipeline took out of the sinks, as they are refused now.',
      ['pipeline'],
    ),
    eventsDropped: counter('events_dropped', 'Events left out on purpose.', ['pipeline', 'reason']),
    /** Nothing of ours removes them: somebody or something has taken files of the log away. */
    eventsLost: counter('events_lost', 'Events gone from the log before they had landed in every sink.', ['pipeline']),
    viewEventsGone: counter('view_events_gone', 'Offsets gone from the log before a view had counted them.', ['view']),
    viewEventsSkipped: counter('view_events_skipped', 'Events not in a view because a function of it failed.', [
      'view',
    ]),
    /** `status`: the HTTP status of the answer. Where single requests are taken, each is a package of one event. */
    packages: counter('packages', 'Packages answered.', ['pipeline', 'status']),
    /** `outcome`: exported or dropped. */
    spans: counter('spans', 'Trace spans that were sent to the exporter or dropped.', ['outcome']),
  };
}

function fileMetrics(registry: Registry) {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `${prefix}${name}`, help, labelNames: ['pipeline'], registers: [registry] });
  return {
    /** `outcome`: loaded; refused, its bytes are a dead letter; unchanged, its content was taken before; or passed over. */
    files: new Counter({
      name: `${prefix}files_total`,
      help: 'Versions of files that were found.',
      labelNames: ['pipeline', 'outcome'],
      registers: [registry],
    }),
    filesWaiting: gauge('files_waiting', 'Files that were found, and may still be written.'),
    fileWaitSeconds: gauge(
      'file_wait_seconds',
      'For how long the file has waited that has waited longest; 0 where none does.',
    ),
  };
}

function durations(registry: Registry) {
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram({
      name: `${prefix}${name}_seconds`,
      help,
      labelNames: [...labelNames],
      buckets: seconds,
      registers: [registry],
    });
  return {
    packageSeconds: histogram('package', 'Time from the first byte of a package to its answer.', ['pipeline']),
    logFlushSeconds: histogram('log_flush', 'Time from handing packages to the disk until they are durable.', []),
    readSeconds: histogram('read', 'Time from a request to a route of an app to its answer.', ['route']),
    batchSeconds: histogram('batch', 'Time from staging a batch to its commit in every sink.', ['pipeline']),
  };
}
