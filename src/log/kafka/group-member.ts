/**
 * A member of a consumer group, by the protocol that brokers of all versions know (JoinGroup, SyncGroup, Heartbeat): joins, is given
 * partitions by whoever leads the group, and joins again when somebody comes, goes or falls silent.
 *
 * Nothing stops for a rebalance: a member keeps what it has until it is told what it has then. Nor does losing touch with the group
 * take partitions from it. Two may so have the same partition for a while; it is for the sinks to let one of them through (D3).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Broker,
  type Connection,
  findCoordinatorV3,
  heartbeatV4,
  joinGroupV7,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV5,
} from '@platformatic/kafka';
import { Fault, reasonOf } from '../../errors.ts';
import type { Member, Membership, TopicPartition } from '../log.ts';
import { assign, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './assignment.ts';
import { answerOf, BrokerError, check, isBrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { connect } from './connections.ts';
import { until } from './time-limit.ts';

export interface GroupTimes {
  /** A member that is silent for so long is gone. Brokers take 6,000 at least, unless they are told otherwise. */
  readonly sessionTimeoutMs: number;
  /** So soon it learns of a rebalance. */
  readonly heartbeatMs: number;
}

/** Of a group that others may share, so that it is told from theirs. */
export function groupId(consumer: string): string {
  return `tributary.${consumer}`;
}

/** By which a broker tells whether a member has a partition: with each rebalance there is another generation. */
export interface Claim {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
  readonly coordinator: Broker;
}

interface Session {
  readonly connection: Connection;
  readonly generation: number;
  readonly memberId: string;
  readonly partitions: readonly number[];
  /** For which the leader has shared them out; undefined for who does not lead. */
  readonly ofPartitions: number | undefined;
}

const CONSUMER = 'consumer';
const PROTOCOL = 'tributary';
const GROUP = 0;
const NO_LEADER_EPOCH = -1;
/** A member that has not come back to a rebalance by then is left out. */
const rebalanceTimeoutMs = 10_000;
const answerTimeoutMs = 5_000;
const retryMs = 500;
/** What watches the group from outside is told so often how far it has come. */
const tellLandedMs = 5_000;
const leaveWithinMs = 2_000;

export class GroupMember implements Member {
  readonly #cluster: Cluster;
  readonly #membership: Membership;
  readonly #times: GroupTimes;
  readonly #groupId: string;
  readonly #stopping = new AbortController();
  readonly #landed = new Map<number, number>();
  #toldLandedMs = 0;
  #memberId = '';
  #stateId: string | undefined;
  #owned: readonly number[] = [];
  /** By partition. */
  #terms: ReadonlyMap<number, number> = new Map();
  #lastTerm = 0;
  #session: Session | undefined;
  #connection: Connection | undefined;
  #coordinatorAt: Broker | undefined;
  readonly #running: Promise<void>;

  constructor(cluster: Cluster, membership: Membership, times: GroupTimes) {
    this.#cluster = cluster;
    this.#membership = membership;
    this.#times = times;
    this.#groupId = groupId(membership.consumer);
    this.#running = this.#run();
  }

  term({ partition }: TopicPartition): number | undefined {
    return this.#terms.get(partition);
  }

  /** Of a partition that it has not any more it says nothing: that is another one's to tell. */
  landed({ partition }: TopicPartition, offset: number): void {
    if (this.#owned.includes(partition)) this.#landed.set(partition, offset);
  }

  /** @throws Fault CHECKPOINT_STALE where it knows itself that it does not have the partition any more, or has it anew */
  claim({ topic, partition }: TopicPartition, term: number | undefined): Claim {
    const has = this.#terms.get(partition);
    if (this.#session === undefined || this.#coordinatorAt === undefined || has === undefined || has !== term)
      throw new Fault(
        'CHECKPOINT_STALE',
        `${topic}-${partition} is, or was, with another member of group ${this.#groupId}`,
      );
    const { generation, memberId } = this.#session;
    return { groupId: this.#groupId, generation, memberId, coordinator: this.#coordinatorAt };
  }

  async leave(): Promise<void> {
    this.#stopping.abort();
    this.#connection?.socket.destroy(); // what is under way may wait for others for long
    await this.#running;
    await this.#sayGoodbye().catch(() => undefined); // then the group finds out by its silence
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let told = '';
    for (let failures = 0; !signal.aborted;) {
      try {
        const session = await this.#join();
        failures = 0;
        this.#terms = this.#termsIn(session);
        this.#session = session;
        this.#take(session.partitions);
        await this.#beat(session);
      } catch (error) {
        if (signal.aborted) break;
        if (this.#isRebalance(error)) continue;
        this.#forgetConnection();
        failures += 1;
        // Once a coordinator moves, or a connection breaks, all is well again; more is worth a word, the same more and more seldom.
        if (failures > 1 && (reasonOf(error) !== told || Number.isInteger(Math.log2(failures)))) {
          told = reasonOf(error);
          this.#membership.onError(error);
        }
        await sleep(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      }
    }
    this.#forgetConnection();
  }

  /** Who is in the next generation, too, has had its partitions all the time. Who was away for one does not know who had them. */
  #termsIn({ memberId, generation, partitions }: Session): ReadonlyMap<number, number> {
    const before = this.#session;
    const goesOn = before?.memberId === memberId && generation - before.generation <= 1;
    const known = goesOn ? this.#terms : new Map<number, number>();
    const begun = (this.#lastTerm += 1);
    return new Map(partitions.map((partition) => [partition, known.get(partition) ?? begun]));
  }

  #take(partitions: readonly number[]): void {
    this.#owned = partitions;
    for (const partition of this.#landed.keys()) if (!partitions.includes(partition)) this.#landed.delete(partition);
    const { topic, onAssigned } = this.#membership;
    onAssigned(partitions.map((partition) => ({ topic, partition })));
  }

  #isRebalance(error: unknown): boolean {
    if (isBrokerError(error, 'UNKNOWN_MEMBER_ID')) this.#memberId = '';
    return isBrokerError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS');
  }

  async #join(): Promise<Session> {
    const { topic } = this.#membership;
    const stateId = (this.#stateId ??= await this.#membership.stateId());
    const connection = await this.#coordinator();
    this.#stopping.signal.throwIfAborted(); // whoever leaves ends the connection that there was before this one
    const joined = await this.#askToJoin(connection, encodeSubscription({ topic, stateId, owned: this.#owned }));
    const { memberId, generationId: generation, leader, members } = joined;
    const isLeader = leader === memberId;
    const count = isLeader ? await this.#partitions() : undefined;
    const parts = count === undefined ? [] : this.#share(members, count, stateId);
    const answer = await this.#within(
      rebalanceTimeoutMs + answerTimeoutMs,
      syncGroupV5.api.async(connection, this.#groupId, generation, memberId, null, CONSUMER, PROTOCOL, parts),
    );
    check(answer.errorCode, `the assignment in group ${this.#groupId}`);
    const { partitions, stateId: ofLeader } = decodeAssignment(topic, answer.assignment);
    if (ofLeader !== stateId) this.#membership.onError(elsewhere(this.#groupId));
    return { connection, generation, memberId, partitions, ofPartitions: count };
  }

  async #askToJoin(connection: Connection, metadata: Buffer): Promise<Joined> {
    for (;;) {
      const { sessionTimeoutMs } = this.#times;
      const [id, protocols] = [this.#memberId, [{ name: PROTOCOL, metadata }]];
      const asked = joinGroupV7.api.async(
        connection,
        this.#groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        id,
        null,
        CONSUMER,
        protocols,
      );
      const answer = await this.#within(rebalanceTimeoutMs + answerTimeoutMs, asked);
      if (answer.memberId !== '') this.#memberId = answer.memberId;
      try {
        check(answer.errorCode, `joining group ${this.#groupId}`);
        return answer;
      } catch (error) {
        if (id !== '' || !isBrokerError(error, 'MEMBER_ID_REQUIRED')) throw error;
      }
    }
  }

  #share(members: Joined['members'], partitions: number, stateId: string): { memberId: string; assignment: Buffer }[] {
    const { topic } = this.#membership;
    const subscribed = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(topic, metadata) }));
    return [...assign(subscribed, partitions, stateId)].map(([memberId, given]) => ({
      memberId,
      assignment: encodeAssignment(topic, { partitions: given, stateId }),
    }));
  }

  /** Ends, by an error, when the group is to be joined again. */
  async #beat({ connection, generation, memberId, ofPartitions }: Session): Promise<never> {
    const { signal } = this.#stopping;
    for (;;) {
      await sleep(this.#times.heartbeatMs, undefined, { signal });
      const asked = heartbeatV4.api.async(connection, this.#groupId, generation, memberId);
      check((await this.#within(answerTimeoutMs, asked)).errorCode, `heartbeat in group ${this.#groupId}`);
      await this.#tellLanded(tellLandedMs);
      // Whoever leads and joins again makes everybody join again.
      if (ofPartitions !== undefined && ofPartitions !== (await this.#partitions()))
        throw new BrokerError('REBALANCE_IN_PROGRESS', `${this.#membership.topic} has other partitions now`);
    }
  }

  async #tellLanded(everyMs: number): Promise<void> {
    if (this.#session === undefined || this.#landed.size === 0) return;
    if (performance.now() - this.#toldLandedMs < everyMs) return;
    this.#toldLandedMs = performance.now();
    const { connection, generation, memberId } = this.#session;
    const partitions = [...this.#landed].map(([partitionIndex, offset]) => ({
      partitionIndex,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: NO_LEADER_EPOCH,
      committedMetadata: '',
    }));
    this.#landed.clear();
    const topics = [{ name: this.#membership.topic, partitions }];
    const asked = offsetCommitV8.api.async(connection, this.#groupId, generation, memberId, null, topics);
    const answer = await this.#within(answerTimeoutMs, asked);
    for (const { errorCode } of answer.topics.flatMap((each) => each.partitions))
      check(errorCode, `offsets of group ${this.#groupId}`);
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#memberId === '') return;
    const connection = await this.#coordinator();
    try {
      if (this.#session) {
        this.#session = { ...this.#session, connection };
        await this.#tellLanded(0).catch(() => undefined); // nothing here reads it
      }
      const members = [{ memberId: this.#memberId }];
      await this.#within(leaveWithinMs, leaveGroupV4.api.async(connection, this.#groupId, members));
    } finally {
      this.#forgetConnection();
    }
  }

  /** As last heard of. */
  async #partitions(): Promise<number> {
    return (await this.#cluster.topology()).leaders.get(this.#membership.topic)?.length ?? 0;
  }

  /** A connection of its own: a broker answers what comes behind a JoinGroup only when everybody has joined. */
  async #coordinator(): Promise<Connection> {
    if (this.#connection?.isConnected() === true) return this.#connection;
    const asked = findCoordinatorV3.api.async(await this.#cluster.any(), GROUP, [this.#groupId]);
    const [found] = (await this.#within(answerTimeoutMs, asked)).coordinators;
    check(found?.errorCode ?? 0, `finding the coordinator of group ${this.#groupId}`, found?.errorMessage);
    if (found === undefined) throw new Error(`the broker names no coordinator of group ${this.#groupId}`);
    const requestTimeoutMs = rebalanceTimeoutMs + 2 * answerTimeoutMs;
    this.#coordinatorAt = { host: found.host, port: found.port };
    this.#connection = await connect({ ...this.#cluster.settings, requestTimeoutMs }, this.#coordinatorAt);
    return this.#connection;
  }

  #forgetConnection(): void {
    this.#connection?.socket.destroy();
    this.#connection = undefined;
  }

  #within<T extends object>(ms: number, asked: Promise<T>): Promise<T> {
    return until(performance.now() + ms, `the coordinator of group ${this.#groupId}`, answerOf(asked));
  }
}

type Joined = Awaited<ReturnType<typeof joinGroupV7.api.async>>;

function elsewhere(group: string): Fault {
  return new Fault(
    'STATE_NOT_SHARED',
    `the other members of the consumer group ${group} keep their checkpoints elsewhere; this process gets no partition`,
  );
}
