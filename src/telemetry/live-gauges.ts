/** Gauges that are measured when somebody asks for them. */
import { Gauge, type Registry } from 'prom-client';

export interface LagSample {
  readonly consumer: string;
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
}

export interface LiveSources {
  readonly lag: () => Promise<readonly LagSample[]>;
  /** Bytes of packages on their way into the log. */
  readonly ingestBytes: () => number;
}

export function addLiveGauges(registry: Registry, { lag, ingestBytes }: LiveSources): void {
  const lagRecords = new Gauge({
    name: 'tributary_lag_records',
    help: 'Records in the log that have not landed in every sink.',
    labelNames: ['consumer', 'topic', 'partition'],
    registers: [],
    async collect() {
      for (const { records, ...labels } of await lag()) this.set(labels, records);
    },
  });
  const queueBytes = new Gauge({
    name: 'tributary_queue_bytes',
    help: 'Bytes that wait in a queue.',
    labelNames: ['queue'],
    registers: [],
    collect() {
      this.set({ queue: 'ingest' }, ingestBytes());
    },
  });
  registry.registerMetric(lagRecords);
  registry.registerMetric(queueBytes);
}
