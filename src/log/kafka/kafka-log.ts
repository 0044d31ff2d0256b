/**
 * The log on Kafka (docs/decisions/kafka-log.md). Batches are committed in transactions, many at a time; what is read is what is
 * committed. Kafka removes what is old, as the topics' own settings say: what has not landed by then is lost, and told by who meets it.
 */
import type {
  Append,
  AppendOptions,
  Batch,
  Log,
  Member,
  Membership,
  OffsetRange,
  Page,
  TopicPartition,
  TopicSpec,
} from '../log.ts';
import { Cluster, unknownTopic, unreached } from './cluster.ts';
import { GroupCommit } from './group-commit.ts';
import { GroupMember, type GroupTimes } from './group-member.ts';
import { KafkaBatch, Turns } from './kafka-batch.ts';
import { connectTimeoutMs, KafkaLogReader, type KafkaLogReaderOptions, requestTimeoutMs } from './kafka-log-reader.ts';
import { unavailable } from './leader-request.ts';
import { takeOver } from './sole-appender.ts';
import { ensureTopics } from './topic-admin.ts';
import { TransactionalProducer } from './transactional-producer.ts';

export interface KafkaLogOptions extends KafkaLogReaderOptions {
  /** Names this writer, and no other that runs at the same time: of two, the newer one wins. The same after a restart. */
  readonly transactionalId: string;
  /** Batches that wait for brokers hold at most so much, one batch aside. Default 32 MiB. */
  readonly maxQueueBytes?: number;
  /** So long after it came a batch is with the brokers, or refused. Default 3,000: with the commit it is below 4 s (D6). */
  readonly patienceMs?: number;
  /** After it the coordinator aborts a transaction whose producer is gone. Until then readers wait. Default 10,000. */
  readonly transactionTimeoutMs?: number;
  /** How soon others take over from a process that is gone. Default: 10,000 and 1,000. */
  readonly groups?: GroupTimes;
  /** Told how long each transaction took. Must not throw. */
  readonly onFlushed?: (seconds: number) => void;
  /** Called when it is closed, or could not be opened. */
  readonly onClosed?: () => void;
}

const MIB = 1 << 20;
const commitGraceMs = 500;
/** The first producer of a cluster waits until its brokers have made their own topics. */
const openLimitMs = 30_000;
const decidedWithinMs = 5_000;
/** Partitions that others add are found so soon. */
const refreshEveryMs = 30_000;

/** @throws Fault LOG_UNAVAILABLE */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const log = new KafkaLog(options);
  try {
    await log.open();
    return log;
  } catch (error) {
    await log.close();
    throw unreached(error, options.brokers);
  }
}

class KafkaLog implements Log {
  readonly #reader: KafkaLogReader;
  /** For writing only: it is torn down whenever a transaction fails. */
  readonly #cluster: Cluster;
  readonly #producer: TransactionalProducer;
  readonly #commits: GroupCommit;
  readonly #turns = new Turns();
  readonly #groups: GroupTimes;
  readonly #limits: { readonly patienceMs: number; readonly transactionTimeoutMs: number };
  readonly #onClosed: (() => void) | undefined;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(options: KafkaLogOptions) {
    const {
      brokers,
      security = {},
      transactionalId,
      maxQueueBytes = 32 * MIB,
      patienceMs = 3_000,
      onFlushed,
    } = options;
    const { transactionTimeoutMs = 10_000, onClosed } = options;
    this.#onClosed = onClosed;
    this.#limits = { patienceMs, transactionTimeoutMs };
    this.#groups = options.groups ?? { sessionTimeoutMs: 10_000, heartbeatMs: 1_000 };
    this.#reader = new KafkaLogReader(options);
    this.#cluster = new Cluster({ brokers, connectTimeoutMs, requestTimeoutMs, security });
    const producer = { transactionalId, transactionTimeoutMs, commitGraceMs };
    this.#producer = new TransactionalProducer(this.#cluster, producer);
    this.#commits = new GroupCommit({
      producer: this.#producer,
      maxQueueBytes,
      patienceMs,
      onFlushed,
      onCommitted: (ends) => this.#reader.appended(ends),
      onFailed: () => this.#cluster.drop(),
    });
  }

  async open(): Promise<void> {
    await this.#reader.open();
    await this.#cluster.topology();
    await this.#producer.open(performance.now() + openLimitMs);
    // What fails here fails again where it matters.
    const refresh = (): void => void this.#cluster.refresh().catch(() => undefined);
    this.#refreshing = setInterval(refresh, refreshEveryMs).unref();
  }

  get id(): string {
    return this.#reader.id;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    await ensureTopics(this.#cluster, topics);
  }

  batch(): Batch {
    return new KafkaBatch((topic) => this.#partitionsOf(topic), this.#turns);
  }

  #partitionsOf(topic: string): number {
    const leaders = this.#cluster.known?.leaders.get(topic);
    if (leaders === undefined) throw unknownTopic(topic);
    return leaders.length;
  }

  append(batch: Batch, options: AppendOptions = {}): Promise<void> {
    return this.#commits.append(batch as KafkaBatch, options);
  }

  room(signal: AbortSignal): Promise<void> {
    return this.#commits.room(signal);
  }

  topics(): Promise<readonly TopicSpec[]> {
    return this.#reader.topics();
  }

  /** Who reads to the end sees everything that this process has appended, also what was in doubt. */
  async range(at: TopicPartition): Promise<OffsetRange> {
    await this.#commits.decided(performance.now() + decidedWithinMs).catch((error: unknown) => {
      throw unavailable(at, error);
    });
    return this.#reader.range(at);
  }

  read(at: TopicPartition, from: number, limit: { readonly maxBytes: number }): Promise<Page> {
    return this.#reader.read(at, from, limit);
  }

  offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    return this.#reader.offsetAtTime(at, timeMs);
  }

  writtenEnd(at: TopicPartition): Promise<number> {
    return this.#reader.writtenEnd(at);
  }

  waitPast(at: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    return this.#reader.waitPast(at, offset, signal);
  }

  takeOver(name: string): Promise<Append> {
    const { transactionTimeoutMs, patienceMs } = this.#limits;
    const options = { transactionalId: `tributary-${name}`, transactionTimeoutMs, commitGraceMs };
    const producer = new TransactionalProducer(this.#cluster, options);
    return takeOver({ producer, patienceMs, onCommitted: (ends) => this.#reader.appended(ends) });
  }

  async join(membership: Membership): Promise<Member> {
    return new GroupMember(this.#cluster, membership, this.#groups);
  }

  /** Kafka does it. */
  async retain(): Promise<void> {}

  async close(): Promise<void> {
    clearInterval(this.#refreshing);
    await this.#commits.close();
    await this.#reader.close();
    this.#cluster.close();
    this.#onClosed?.();
  }
}
