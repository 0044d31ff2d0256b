/** The log on Kafka, for whoever only reads it; any number of processes may. */
import type { Broker } from '@platformatic/kafka';
import type { LogReader, OffsetRange, Page, TopicPartition, TopicSpec } from '../log.ts';
import { Cluster, unreached } from './cluster.ts';
import type { Security } from './connections.ts';
import { EndWatch } from './end-watch.ts';
import { PartitionReader } from './partition-reader.ts';
import type { Ends } from './transactional-producer.ts';

export interface KafkaLogReaderOptions {
  /** Any of the cluster's; the others are found by them. */
  readonly brokers: readonly Broker[];
  readonly security?: Security;
}

/** Connecting, and a request, longer than this: the broker is taken for gone. */
export const connectTimeoutMs = 3_000;
export const requestTimeoutMs = 10_000;

/** @throws Fault LOG_UNAVAILABLE */
export async function openKafkaLogReader(options: KafkaLogReaderOptions): Promise<KafkaLogReader> {
  const reader = new KafkaLogReader(options);
  try {
    await reader.open();
    return reader;
  } catch (error) {
    await reader.close();
    throw unreached(error, options.brokers);
  }
}

export class KafkaLogReader implements LogReader {
  readonly #cluster: Cluster;
  readonly #reader: PartitionReader;
  readonly #watch: EndWatch;
  #id = '';

  constructor({ brokers, security = {} }: KafkaLogReaderOptions) {
    this.#cluster = new Cluster({ brokers, connectTimeoutMs, requestTimeoutMs, security });
    this.#reader = new PartitionReader(this.#cluster);
    this.#watch = new EndWatch(this.#cluster, this.#reader);
  }

  async open(): Promise<void> {
    this.#id = (await this.#cluster.topology()).clusterId;
  }

  /** The cluster's id. */
  get id(): string {
    return this.#id;
  }

  /** What this process has appended: from now on it is read. */
  appended(ends: Ends): void {
    this.#reader.appended(ends);
  }

  async topics(): Promise<readonly TopicSpec[]> {
    const { leaders } = await this.#cluster.refresh();
    return [...leaders].map(([name, { length: partitions }]) => ({ name, partitions }));
  }

  range(at: TopicPartition): Promise<OffsetRange> {
    return this.#reader.range(at);
  }

  read(at: TopicPartition, from: number, limit: { readonly maxBytes: number }): Promise<Page> {
    return this.#reader.read(at, from, limit.maxBytes);
  }

  offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    return this.#reader.offsetAtTime(at, timeMs);
  }

  writtenEnd(at: TopicPartition): Promise<number> {
    return this.#reader.writtenEnd(at);
  }

  waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    return this.#watch.waitPast(at, offset, signal);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#cluster.close();
  }
}
