/**
 * Who writes packages of records to Kafka, each with acknowledgements of all replicas that are in sync.
 *
 * - `log`: our log: many packages share a transaction.
 * - `untransacted`: the same encoding, gathering and requests, without transactions: what is left out is their cost.
 * - `client`: the client's own producer, idempotent, a send a package.
 * - `client-transactions`: the same in a transaction a package, a producer for each of those who send at once, since a
 *   producer has one transaction at a time.
 */
import { randomUUID } from 'node:crypto';
import { compatibilityPartitioner, initProducerIdV4, type MessageToProduce, Producer } from '@platformatic/kafka';
import { answerOf, check } from '../../../src/log/kafka/broker-error.ts';
import { Cluster } from '../../../src/log/kafka/cluster.ts';
import { GroupCommit, type GroupProducer } from '../../../src/log/kafka/group-commit.ts';
import { KafkaBatch, Turns } from '../../../src/log/kafka/kafka-batch.ts';
import { connectTimeoutMs, requestTimeoutMs } from '../../../src/log/kafka/kafka-log-reader.ts';
import { openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { produceRecords, type Sequences } from '../../../src/log/kafka/produce-records.ts';
import type { NewRecord } from '../../../src/log/log.ts';

export type SenderKind = 'log' | 'untransacted' | 'client' | 'client-transactions';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Resolves when the package is stored. */
export type Send = () => Promise<unknown>;

export interface Sender {
  /** For one of those who send at once, who waits for each before the next. */
  prepare(records: readonly NewRecord[]): Promise<Send>;
  close(): Promise<void>;
}

export const openSender: Readonly<Record<SenderKind, (address: Address) => Promise<Sender>>> = {
  log: openLogSender,
  untransacted: openUntransactedSender,
  client: openClientSender,
  'client-transactions': openTransactionsSender,
};

/** Time enough for a broker that a busy machine keeps waiting; a package that is refused ends the benchmark. */
const patienceMs = 20_000;

async function openLogSender(address: Address): Promise<Sender> {
  const log = await openKafkaLog({ brokers: [address], transactionalId: `bench-${randomUUID()}`, patienceMs });
  return {
    prepare: async (records) => () => {
      const batch = log.batch();
      for (const record of records) batch.add(record);
      return log.append(batch);
    },
    close: () => log.close(),
  };
}

async function openUntransactedSender(address: Address): Promise<Sender> {
  const cluster = new Cluster({ brokers: [address], connectTimeoutMs, requestTimeoutMs, security: {} });
  const { leaders } = await cluster.topology();
  const producer = new IdempotentProducer(cluster);
  await producer.open();
  const commits = new GroupCommit({
    producer,
    maxQueueBytes: Infinity,
    patienceMs,
    onFlushed: undefined,
    onCommitted: () => undefined,
    onFailed: () => cluster.drop(),
  });
  const turns = new Turns();
  return {
    prepare: async (records) => () => {
      const batch = new KafkaBatch((topic) => leaders.get(topic)?.length ?? 0, turns);
      for (const record of records) batch.add(record);
      return commits.append(batch, {});
    },
    close: async () => {
      await commits.close();
      cluster.close();
    },
  };
}

/** As a transactional producer, but that what it is given is not all or nothing. */
class IdempotentProducer implements GroupProducer {
  readonly #cluster: Cluster;
  readonly #sequences: Sequences = new Map();
  #producer = { id: -1n, epoch: -1 };

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async open(): Promise<void> {
    const asked = initProducerIdV4.api.async(await this.#cluster.any(), null, 0, -1n, -1);
    const { errorCode, producerId, producerEpoch } = await answerOf(asked);
    check(errorCode, 'beginning as a producer');
    this.#producer = { id: producerId, epoch: producerEpoch };
    this.#sequences.clear();
  }

  transact(...[parts, , deadlineMs]: Parameters<GroupProducer['transact']>): ReturnType<GroupProducer['transact']> {
    const by = { transactionalId: null, producer: this.#producer, sequences: this.#sequences };
    return produceRecords(this.#cluster, by, parts, deadlineMs);
  }
}

function clientOptions({ host, port }: Address) {
  return {
    clientId: 'bench',
    bootstrapBrokers: [`${host}:${port}`],
    idempotent: true,
    partitioner: compatibilityPartitioner, // Kafka's own, as ours
  };
}

async function openClientSender(address: Address): Promise<Sender> {
  const producer = new Producer<Buffer>(clientOptions(address));
  return {
    prepare: async (records) => {
      const messages = records.map(messageOf);
      return () => producer.send({ messages });
    },
    close: () => producer.close(),
  };
}

async function openTransactionsSender(address: Address): Promise<Sender> {
  const producers: Producer[] = [];
  return {
    prepare: async (records) => {
      const transactionalId = `bench-${randomUUID()}`;
      // A coordinator that still ends the last transaction is asked again at once: with the usual pauses it would take 50 to 100 ms.
      const producer = new Producer<Buffer>({
        ...clientOptions(address),
        transactionalId,
        retries: 1_000,
        retryDelay: 1,
      });
      producers.push(producer);
      const messages = records.map(messageOf);
      return async () => {
        const transaction = await producer.beginTransaction();
        await transaction.send({ messages });
        await transaction.commit();
      };
    },
    close: async () => void (await Promise.all(producers.map((producer) => producer.close()))),
  };
}

/** Encoded as far as it can be before it is sent. */
function messageOf({ topic, key, value, headers }: NewRecord): MessageToProduce {
  const encoded = new Map(headers.map(([name, content]) => [Buffer.from(name), content as Buffer]));
  return { topic, ...(key !== null && { key: Buffer.from(key) }), value: value as Buffer, headers: encoded };
}
