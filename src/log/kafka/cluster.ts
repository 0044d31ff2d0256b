/** The brokers of a cluster, and which of them leads which partition, as far as is known; asked again when it turns out to be wrong. */
import { type Broker, type Connection, metadataV9 } from '@platformatic/kafka';
import { Fault, isFault, reasonOf } from '../../errors.ts';
import type { TopicPartition } from '../log.ts';
import { answerOf, BrokerError } from './broker-error.ts';
import { Connections, type ConnectionSettings } from './connections.ts';
import { until } from './time-limit.ts';

export interface Topology {
  readonly clusterId: string;
  readonly brokers: ReadonlyMap<number, Broker>;
  /** Takes changes of topics; any broker hands them on. */
  readonly controller: Broker;
  /** By topic, and partition: the leader's number, -1 where there is none. */
  readonly leaders: ReadonlyMap<string, readonly number[]>;
}

export interface ClusterOptions extends Omit<ConnectionSettings, 'clientId'> {
  readonly brokers: readonly Broker[];
}

const clientId = 'tributary';

export class Cluster {
  readonly settings: ConnectionSettings;
  readonly #bootstrap: readonly Broker[];
  readonly #connections: Connections;
  #topology: Topology | undefined;
  #isStale = false;
  #refreshing: Promise<Topology> | undefined;
  /** Counts what was asked of any broker. */
  #turn = 0;

  constructor({ brokers, ...settings }: ClusterOptions) {
    this.settings = { clientId, ...settings };
    this.#bootstrap = brokers;
    this.#connections = new Connections(this.settings);
  }

  /** As last asked for. */
  get known(): Topology | undefined {
    return this.#topology;
  }

  async topology(): Promise<Topology> {
    return this.#isStale ? this.refresh() : (this.#topology ?? this.refresh());
  }

  /** Asks now. @throws Fault LOG_UNAVAILABLE */
  refresh(): Promise<Topology> {
    this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #ask(): Promise<Topology> {
    const { brokers, clusterId, controllerId, topics } = await this.#askAny((connection) =>
      answerOf(metadataV9.api.async(connection, null, false)),
    );
    const byId = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    const leaders = new Map<string, readonly number[]>();
    for (const { name, isInternal, errorCode, partitions } of topics) {
      if (isInternal || errorCode !== 0) continue;
      const ofTopic: number[] = Array.from({ length: partitions.length }, () => -1);
      for (const { partitionIndex, leaderId } of partitions) ofTopic[partitionIndex] = leaderId;
      leaders.set(name, ofTopic);
    }
    const controller = byId.get(controllerId) ?? byId.values().next().value ?? this.#bootstrap[0]!;
    this.#isStale = false;
    this.#topology = { clusterId: clusterId ?? '', brokers: byId, controller, leaders };
    return this.#topology;
  }

  /** A connection to whichever broker takes one. @throws Fault LOG_UNAVAILABLE */
  any(): Promise<Connection> {
    return this.#askAny(async (connection) => connection);
  }

  /**
   * Each time another one is asked first: one that stands still takes connections all the same, and answers nothing.
   * @throws Fault LOG_UNAVAILABLE where none takes a connection; else what the last one that took one met, which may pass
   */
  async #askAny<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    const brokers = [...(this.#topology?.brokers.values() ?? []), ...this.#bootstrap];
    const first = (this.#turn += 1) % brokers.length;
    const reasons: string[] = [];
    let met: { readonly error: unknown } | undefined;
    for (const [index, broker] of [...brokers.slice(first), ...brokers.slice(0, first)].entries()) {
      const connected = await this.to(broker).catch((error: unknown) => {
        reasons.push(`${broker.host}:${broker.port}: ${reasonWithCause(error)}`);
      });
      if (connected === undefined) continue;
      try {
        const asked = ask(connected);
        if (index === brokers.length - 1) return await asked;
        return await until(performance.now() + this.settings.connectTimeoutMs, 'a broker', asked);
      } catch (error) {
        met = { error };
      }
    }
    if (met !== undefined) throw met.error;
    throw new Fault('LOG_UNAVAILABLE', `No Kafka broker answers: ${[...new Set(reasons)].join('; ')}`);
  }

  to(broker: Broker): Promise<Connection> {
    return this.#connections.to(broker);
  }

  /** @throws Fault TOPIC_UNKNOWN; BrokerError where it has no leader now */
  async leader({ topic, partition }: TopicPartition): Promise<Broker> {
    const isThere = ({ leaders }: Topology): boolean => leaders.get(topic)?.[partition] !== undefined;
    let topology = await this.topology();
    if (!isThere(topology)) topology = await this.refresh();
    const id = topology.leaders.get(topic)?.[partition];
    if (id === undefined) throw unknownTopic(topic, partition, topology.leaders.get(topic)?.length);
    const broker = topology.brokers.get(id);
    if (broker === undefined) throw new BrokerError('LEADER_NOT_AVAILABLE', `${topic}-${partition}`);
    return broker;
  }

  /** Something is wrong with what is known: what is under way fails; what comes connects and asks anew. */
  drop(): void {
    this.#isStale = true;
    this.#connections.drop();
  }

  close(): void {
    this.#connections.close();
  }
}

/** What the first requests met: brokers that are none, or want TLS, answer in ways of their own, or not at all. */
export function unreached(error: unknown, brokers: readonly Broker[]): Fault {
  if (isFault(error)) return error;
  const names = brokers.map(({ host, port }) => `${host}:${port}`).join(', ');
  return new Fault('LOG_UNAVAILABLE', `No Kafka broker answers at ${names} as one: ${reasonWithCause(error)}`, {
    cause: error,
  });
}

export function unknownTopic(topic: string, partition?: number, partitions?: number): Fault {
  if (partitions === undefined) return new Fault('TOPIC_UNKNOWN', `There is no topic ${topic}.`);
  return new Fault('TOPIC_UNKNOWN', `The topic ${topic} has ${partitions} partitions, and no ${partition}.`);
}

/** With what stands behind it: the client tells of a connection first that it failed. */
function reasonWithCause(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? reasonOf(error) : `${reasonOf(error)} ${reasonWithCause(cause)}`;
}
