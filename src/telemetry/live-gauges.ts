/** Gauges that are measured when somebody asks for them. */
import { Gauge, type Registry } from 'prom-client';

export interface LagSample {
  readonly consumer: string;
  readonly topic: string;
  readonly partition: number;
  /** Records. */
  readonly lag: number;
  /** Age of the oldest record that has not landed; 0 where there is none, NaN where it cannot be read. */
  readonly behindMs: number;
}

export interface PoolSample {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export interface LiveSources {
  readonly lag: () => Promise<readonly LagSample[]>;
  /** Bytes of packages on their way into the log. */
  readonly ingestBytes: () => number;
  /** Undefined until the warehouse is up. */
  readonly pool: () => PoolSample | undefined;
  /** The connections of what routes ask. Default: none. */
  readonly readPool?: () => PoolSample | undefined;
}

export function addLiveGauges(registry: Registry, { lag, ingestBytes, pool, readPool }: LiveSources): void {
  addLag(registry, lag);
  addQueue(registry, ingestBytes);
  addPool(registry, { name: 'warehouse', purpose: 'Connections to the warehouse', pool });
  addPool(registry, { name: 'read', purpose: 'Connections to the warehouse for what routes ask', pool: readPool });
}

function addLag(registry: Registry, lag: LiveSources['lag']): void {
  const measure = sharedWhileUnderWay(lag);
  const gauge = (name: string, help: string, valueOf: (sample: LagSample) => number): void => {
    const measured = new Gauge({
      name,
      help,
      labelNames: ['consumer', 'topic', 'partition'],
      registers: [],
      async collect() {
        for (const sample of await measure()) {
          const { consumer, topic, partition } = sample;
          this.set({ consumer, topic, partition }, valueOf(sample));
        }
      },
    });
    registry.registerMetric(measured);
  };
  gauge('tributary_lag_records', 'Records in the log that have not landed in every sink.', (sample) => sample.lag);
  gauge(
    'tributary_lag_seconds',
    'Age of the oldest record in the log that has not landed in every sink.',
    ({ behindMs }) => behindMs / 1000,
  );
}

/** Gauges of one scrape are collected at once. */
function sharedWhileUnderWay<T>(measure: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () =>
    (underWay ??= measure().finally(() => {
      underWay = undefined;
    }));
}

function addQueue(registry: Registry, ingestBytes: LiveSources['ingestBytes']): void {
  const queueBytes = new Gauge({
    name: 'tributary_queue_bytes',
    help: 'Bytes that wait in a queue.',
    labelNames: ['queue'],
    registers: [],
    collect() {
      this.set({ queue: 'ingest' }, ingestBytes());
    },
  });
  registry.registerMetric(queueBytes);
}

interface NamedPool {
  readonly name: string;
  readonly purpose: string;
  readonly pool: (() => PoolSample | undefined) | undefined;
}

function addPool(registry: Registry, { name, purpose, pool = () => undefined }: NamedPool): void {
  const connections = new Gauge({
    name: `tributary_${name}_connections`,
    help: `${purpose}.`,
    labelNames: ['state'],
    registers: [],
    collect() {
      const { totalCount = 0, idleCount = 0 } = pool() ?? {};
      this.set({ state: 'idle' }, idleCount);
      this.set({ state: 'used' }, totalCount - idleCount);
    },
  });
  const awaited = new Gauge({
    name: `tributary_${name}_connections_awaited`,
    help: `How many wait for one of the ${purpose.toLowerCase()}.`,
    registers: [],
    collect() {
      this.set(pool()?.waitingCount ?? 0);
    },
  });
  registry.registerMetric(connections);
  registry.registerMetric(awaited);
}
