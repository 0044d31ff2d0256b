/**
 * Transactions, one after the other, under one transactional id: all records of one are seen by read_committed readers, or none.
 *
 * - What failed before the commit was asked for is never asked for again under the same epoch: `open` raises the epoch, which ends the
 *   transaction with nothing visible and makes brokers refuse whatever of it is still on its way.
 * - A commit that was asked for and not answered is asked for again until it is; the coordinator answers the second like the first.
 * - Two processes under one id: the newer one wins, and the older one is told (`Fenced`); the older one wins only where it was cut off while it
 *   began, and then the newer one is told.
 */
import {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  type Broker,
  type Connection,
  describeTransactionsV0,
  endTxnV3,
  findCoordinatorV3,
  initProducerIdV4,
  txnOffsetCommitV3,
} from '@platformatic/kafka';
import { answerOf, check, isBrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import type { PartitionOwner } from '../log.ts';
import type { Claim } from './group-member.ts';
import { produceRecords, type Sequences } from './produce-records.ts';
import type { Part } from './kafka-batch.ts';
import { pause, until } from './time-limit.ts';

export interface ProducerOptions {
  readonly transactionalId: string;
  /** After it the coordinator aborts a transaction whose producer is gone. Until then readers wait. */
  readonly transactionTimeoutMs: number;
  /** Past the deadline of a transaction: so long its commit is asked for again, before it is left in doubt. */
  readonly commitGraceMs: number;
}

/** Nothing of the transaction is visible, or ever will be. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted';
}

/** The commit was asked for, and nobody knows whether it was done. */
export class InDoubt extends Error {
  override readonly name = 'InDoubt';
}

/** Another process has taken over the transactional id. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/** By topic and partition: past the last record of the transaction. */
export type Ends = ReadonlyMap<string, number>;

/** Under which records are appended only by the owner of a partition. */
export type PartitionClaim = Claim & Omit<PartitionOwner, 'member' | 'term'>;

const TRANSACTION = 1;
const NO_LEADER_EPOCH = -1;
/** For the last attempt at a commit that was not answered in time. */
const lastCommitMs = 300;
const NO_PRODUCER = { id: -1n, epoch: -1 };

export class TransactionalProducer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  #producer = NO_PRODUCER;
  #sequences: Sequences = new Map();
  #coordinator: Broker | undefined;
  #begins = 0;
  /**
   * The epoch may have been raised without our knowing: the answer was lost, or was that the transaction before has to end first (which is
   * answered where a newer process is busy, too). A coordinator that is restarted then forgets that the raise was ours, and takes us for an older process.
   */
  #mayHaveBegun = false;

  constructor(cluster: Cluster, options: ProducerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Before the first transaction, and after each that failed. @throws Fenced; else whatever kept it from being done by the deadline */
  async open(deadlineMs: number): Promise<void> {
    await this.#asked(deadlineMs, (connection) => this.#begin(connection)).catch((error: unknown) => {
      if (isBrokerError(error, 'INVALID_PRODUCER_ID_MAPPING')) this.#producer = NO_PRODUCER; // forgotten after a week without use
      throw isFencing(error) ? new Fenced('another process writes under this id', { cause: error }) : error;
    });
  }

  async #begin(connection: Connection): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    const { id, epoch } = this.#producer;
    const attempt = ++this.#begins;
    const mayHaveBegun = this.#mayHaveBegun;
    this.#mayHaveBegun = true;
    const asked = initProducerIdV4.api.async(connection, transactionalId, transactionTimeoutMs, id, epoch);
    const { errorCode, producerId, producerEpoch } = await answerOf(asked);
    if (attempt !== this.#begins) return; // another one was asked since, and its answer counts
    try {
      check(errorCode, 'beginning as a producer');
    } catch (error) {
      this.#mayHaveBegun = mayHaveBegun || isBrokerError(error, 'CONCURRENT_TRANSACTIONS');
      if (!mayHaveBegun || !isFencing(error) || !(await this.#mayBeOurs(connection))) throw error;
      this.#producer = NO_PRODUCER;
      return this.#begin(connection);
    }
    this.#mayHaveBegun = false;
    this.#producer = { id: producerId, epoch: producerEpoch };
    this.#sequences = new Map();
  }

  /** Whether the epoch is the next one, and nothing was done under it: else it was another process that has raised it. */
  async #mayBeOurs(connection: Connection): Promise<boolean> {
    const asked = describeTransactionsV0.api.async(connection, [this.#options.transactionalId]);
    const [found] = (await answerOf(asked)).transactionStates;
    if (found === undefined) return false;
    check(found.errorCode, 'asking who has begun as a producer');
    const { id, epoch } = this.#producer;
    return found.producerId === id && found.producerEpoch === epoch + 1 && unused.has(found.transactionState);
  }

  /** @throws NotCommitted, InDoubt; then `open` comes next */
  async transact(parts: readonly Part[], claims: readonly PartitionClaim[], deadlineMs: number): Promise<Ends> {
    let ends: Ends;
    try {
      await this.#addPartitions(parts, deadlineMs);
      const { transactionalId } = this.#options;
      const by = { transactionalId, producer: this.#producer, sequences: this.#sequences };
      for (const groupId of new Set(claims.map((claim) => claim.groupId))) await this.#addGroup(groupId, deadlineMs);
      ends = await produceRecords(this.#cluster, by, parts, deadlineMs);
      // Behind the records: who takes over after this was answered finds them, decided or not.
      for (const claim of claims) await this.#prove(claim, deadlineMs);
    } catch (error) {
      throw new NotCommitted('nothing was stored', { cause: error });
    }
    await this.#commit(deadlineMs + this.#options.commitGraceMs);
    return ends;
  }

  async #addPartitions(parts: readonly Part[], deadlineMs: number): Promise<void> {
    const byTopic = new Map<string, Set<number>>();
    for (const { topic, partition } of parts) {
      const known = byTopic.get(topic) ?? new Set();
      byTopic.set(topic, known.add(partition));
    }
    const { id: producerId, epoch: producerEpoch } = this.#producer;
    const topics = [...byTopic].map(([name, partitions]) => ({ name, partitions: [...partitions] }));
    const { transactionalId } = this.#options;
    const transaction = { transactionalId, producerId, producerEpoch, verifyOnly: false, topics };
    await this.#asked(deadlineMs, async (connection) => {
      const asked = addPartitionsToTxnV3.api.async(connection, [transaction]);
      const { topicResults = [] } = (await answerOf(asked)).resultsByTransaction[0] ?? {};
      const results = topicResults.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition.map(({ partitionIndex, partitionErrorCode: code }) => ({
          at: `${name}-${partitionIndex}`,
          code,
        })),
      );
      // of several, those that were only not tried say nothing
      const telling = results.toSorted((a, b) => Number(a.code === NOT_ATTEMPTED) - Number(b.code === NOT_ATTEMPTED));
      for (const { at, code } of telling) check(code, `beginning a transaction in ${at}`);
    });
  }

  async #addGroup(groupId: string, deadlineMs: number): Promise<void> {
    const { id, epoch } = this.#producer;
    await this.#asked(deadlineMs, async (connection) => {
      const asked = addOffsetsToTxnV3.api.async(connection, this.#options.transactionalId, id, epoch, groupId);
      check((await answerOf(asked)).errorCode, `adding group ${groupId} to a transaction`);
    });
  }

  /** That a member has a partition: the offset goes in with the transaction, and only of a member of the group's newest generation. */
  async #prove({ groupId, generation, memberId, coordinator, at, landedTo }: PartitionClaim, deadlineMs: number) {
    const { id, epoch } = this.#producer;
    const { transactionalId } = this.#options;
    const offset = {
      partitionIndex: at.partition,
      committedOffset: BigInt(landedTo),
      committedLeaderEpoch: NO_LEADER_EPOCH,
    };
    const topics = [{ name: at.topic, partitions: [offset] }];
    const connection = await until(deadlineMs, 'a connection', this.#cluster.to(coordinator));
    const asked = txnOffsetCommitV3.api.async(
      connection,
      transactionalId,
      groupId,
      id,
      epoch,
      generation,
      memberId,
      null,
      topics,
    );
    const answer = await until(deadlineMs, `the coordinator of group ${groupId}`, answerOf(asked));
    const [answered] = answer.topics.flatMap(({ partitions }) => partitions);
    check(answered?.errorCode ?? 0, `having ${at.topic}-${at.partition} in group ${groupId}`);
  }

  async #commit(deadlineMs: number): Promise<void> {
    const { transactionalId } = this.#options;
    const { id, epoch } = this.#producer;
    let isUnanswered = false;
    const ask = async (connection: Connection): Promise<void> => {
      const wasUnanswered = isUnanswered;
      isUnanswered = true;
      const { errorCode } = await answerOf(endTxnV3.api.async(connection, transactionalId, id, epoch, true));
      isUnanswered = wasUnanswered;
      check(errorCode, 'committing');
    };
    try {
      await this.#asked(deadlineMs, ask).catch(async (error: unknown) => {
        // This process may have been stopped meanwhile: no answer in time says little then.
        if (!isUnanswered || isBrokerError(error)) throw error;
        await this.#asked(performance.now() + lastCommitMs, ask);
      });
    } catch (error) {
      // What the coordinator has aborted, it has not committed, whatever was answered before.
      if (isUnanswered && !isBrokerError(error, 'INVALID_TXN_STATE'))
        throw new InDoubt('it is not known whether it was stored', { cause: error });
      throw new NotCommitted('nothing was stored', { cause: error });
    }
  }

  /** Asks the coordinator, wherever it is, again until it answers with more than that it is not ready. */
  async #asked(deadlineMs: number, ask: (connection: Connection) => Promise<void>): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await until(deadlineMs, 'the coordinator of transactions', this.#coordinatorConnection().then(ask));
      } catch (error) {
        if (isBrokerError(error) && !isNotReady(error)) throw error;
        if (!isBrokerError(error, 'CONCURRENT_TRANSACTIONS')) this.#coordinator = undefined;
        if (!(await pause(attempt, deadlineMs))) throw error;
      }
    }
  }

  async #coordinatorConnection(): Promise<Connection> {
    this.#coordinator ??= await this.#findCoordinator();
    return this.#cluster.to(this.#coordinator);
  }

  async #findCoordinator(): Promise<Broker> {
    const connection = await this.#cluster.any();
    const asked = findCoordinatorV3.api.async(connection, TRANSACTION, [this.#options.transactionalId]);
    const [found] = (await answerOf(asked)).coordinators;
    check(found?.errorCode ?? 0, 'finding the coordinator of transactions', found?.errorMessage);
    if (found === undefined) throw new Error('the broker names no coordinator of transactions');
    return { host: found.host, port: found.port };
  }
}

/** Of an epoch: it has ended the transaction before, if any. */
const unused: ReadonlySet<string> = new Set(['Empty', 'PrepareEpochFence', 'PrepareAbort', 'CompleteAbort']);

/** OPERATION_NOT_ATTEMPTED */
const NOT_ATTEMPTED = 55;

function isNotReady(error: unknown): boolean {
  return isBrokerError(
    error,
    'CONCURRENT_TRANSACTIONS',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'COORDINATOR_NOT_AVAILABLE',
    'NOT_COORDINATOR',
    'NOT_ENOUGH_REPLICAS',
  );
}

function isFencing(error: unknown): boolean {
  return isBrokerError(error, 'PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH');
}
