/**
 * Who of a consumer group gets which partition, and the bytes in which members and their leader say so: Kafka's own
 * `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment` (version 1), which its tools can show. What is ours is in their user data:
 * the store of checkpoints.
 */
import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka';

/** What a member says of itself. */
export interface Subscription {
  readonly topic: string;
  readonly stateId: string;
  /** Partitions that it has now. */
  readonly owned: readonly number[];
}

export interface SubscribedMember extends Subscription {
  readonly memberId: string;
}

/** What the leader says to a member. */
export interface Assignment {
  readonly partitions: readonly number[];
  /** That of the leader: who has another one gets nothing. */
  readonly stateId: string;
}

/**
 * As even as it goes, to those with the leader's store; who has a partition keeps it, unless it has more than its part. The same
 * whatever the order of the members.
 */
export function assign(
  members: readonly SubscribedMember[],
  partitions: number,
  stateId: string,
): ReadonlyMap<string, readonly number[]> {
  const able = members.filter((member) => member.stateId === stateId).toSorted(byOwnedThenId);
  const given = new Map(members.map(({ memberId }): [string, number[]] => [memberId, []]));
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  // Those that have the most are asked first: of parts that differ by one, the larger ones are theirs.
  for (const [index, { memberId, owned }] of able.entries()) {
    const part = partOf(index, able.length, partitions);
    const kept = owned.filter((partition) => free.has(partition)).slice(0, part);
    for (const partition of kept) free.delete(partition);
    given.set(memberId, kept);
  }
  const left = [...free];
  for (const [index, { memberId }] of able.entries()) {
    const mine = given.get(memberId) ?? [];
    mine.push(...left.splice(0, partOf(index, able.length, partitions) - mine.length));
    mine.sort((a, b) => a - b);
  }
  return given;
}

function partOf(index: number, members: number, partitions: number): number {
  return Math.floor(partitions / members) + (index < partitions % members ? 1 : 0);
}

function byOwnedThenId(a: SubscribedMember, b: SubscribedMember): number {
  return b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1);
}

/** Says which partitions a member has. */
const version = 1;

export function encodeSubscription({ topic, stateId, owned }: Subscription): Buffer {
  const ownedPartitions = [{ topic, partitions: [...owned] }];
  return encodeConsumerProtocolSubscription({ version, topics: [topic], userData: userData(stateId), ownedPartitions });
}

/** Who says nothing that can be read is in the group by mistake, and gets nothing. */
export function decodeSubscription(topic: string, encoded: Buffer): Subscription {
  try {
    const { ownedPartitions, userData: data } = decodeConsumerProtocolSubscription(encoded);
    return { topic, stateId: stateIdOf(data), owned: partitionsOf(topic, ownedPartitions) };
  } catch {
    return { topic, stateId: '', owned: [] };
  }
}

export function encodeAssignment(topic: string, { partitions, stateId }: Assignment): Buffer {
  const assignedPartitions = [{ topic, partitions: [...partitions] }];
  return encodeConsumerProtocolAssignment({ version, assignedPartitions, userData: userData(stateId) });
}

export function decodeAssignment(topic: string, encoded: Buffer): Assignment {
  const { assignedPartitions, userData: data } = decodeConsumerProtocolAssignment(encoded);
  return { partitions: partitionsOf(topic, assignedPartitions), stateId: stateIdOf(data) };
}

function partitionsOf(
  wanted: string,
  all: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): readonly number[] {
  return all.filter(({ topic }) => topic === wanted).flatMap(({ partitions }) => partitions);
}

function userData(stateId: string): string {
  return JSON.stringify({ state: stateId });
}

/** None where it is not ours. */
function stateIdOf(data: Buffer): string {
  try {
    const { state } = Object(JSON.parse(data.toString())) as { state?: unknown };
    return typeof state === 'string' ? state : '';
  } catch {
    return '';
  }
}
