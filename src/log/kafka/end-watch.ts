/**
 * Waits until partitions have more. Each wait is a request that the broker holds back until there is something, on a connection of
 * its own, since a broker answers one request of a connection after the other.
 */
import type { Broker, Connection } from '@platformatic/kafka';
import { isFault } from '../../errors.ts';
import type { TopicPartition } from '../log.ts';
import type { Cluster } from './cluster.ts';
import { closed, connect } from './connections.ts';
import { askLeader } from './leader-request.ts';
import type { PartitionReader } from './partition-reader.ts';

/** Less than the limit of a request. */
const maxWaitMs = 2_000;

export class EndWatch {
  readonly #cluster: Cluster;
  readonly #reader: PartitionReader;
  /** Connections that wait for nothing now. */
  readonly #idle = new Map<string, Connection[]>();
  readonly #closing = new AbortController();

  constructor(cluster: Cluster, reader: PartitionReader) {
    this.#cluster = cluster;
    this.#reader = reader;
  }

  /** @throws the signal's reason; Fault LOG_UNAVAILABLE, TOPIC_UNKNOWN */
  async waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#reader.isPast(at, offset)) return;
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => undefined); // whoever waits gets it by the race
    const abort = (): void => reject(signal.reason);
    const close = (): void => reject(closed());
    signal.addEventListener('abort', abort, { once: true });
    this.#closing.signal.addEventListener('abort', close, { once: true });
    if (this.#closing.signal.aborted) close();
    try {
      while (!(await Promise.race([this.#ask(at, offset), ended])));
    } finally {
      signal.removeEventListener('abort', abort);
      this.#closing.signal.removeEventListener('abort', close);
    }
  }

  async #ask(at: TopicPartition, offset: number): Promise<boolean> {
    try {
      return await askLeader(this.#cluster, at, async () => {
        const broker = await this.#cluster.leader(at);
        const connection = await this.#take(broker);
        try {
          const isPast = await this.#reader.await(connection, at, offset, maxWaitMs);
          this.#give(broker, connection);
          return isPast;
        } catch (error) {
          connection.socket.destroy();
          throw error;
        }
      });
    } catch (error) {
      // Below the start, or above the end: to read there says which.
      if (isFault(error, 'OFFSET_OUT_OF_RANGE')) return true;
      throw error;
    }
  }

  async #take(broker: Broker): Promise<Connection> {
    for (const idle = this.#idle.get(nameOf(broker)); ;) {
      const connection = idle?.pop();
      if (connection === undefined) return connect(this.#cluster.settings, broker);
      if (connection.isConnected()) return connection;
    }
  }

  #give(broker: Broker, connection: Connection): void {
    if (this.#closing.signal.aborted) return void connection.socket.destroy();
    const idle = this.#idle.get(nameOf(broker)) ?? [];
    idle.push(connection);
    this.#idle.set(nameOf(broker), idle);
  }

  close(): void {
    this.#closing.abort();
    for (const connections of this.#idle.values()) for (const { socket } of connections) socket.destroy();
    this.#idle.clear();
  }
}

const nameOf = ({ host, port }: Broker): string => `${host}:${port}`;
