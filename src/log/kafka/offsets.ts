/** Where partitions begin and end, for readers of what is committed. */
import { type Connection, listOffsetsV6 } from '@platformatic/kafka';
import type { TopicPartition } from '../log.ts';
import { answerOf, check } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { askLeader } from './leader-request.ts';

const CLIENT = -1;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const NO_EPOCH = -1;
/** In place of a time. */
const START = -2n;
const END = -1n;

/** The oldest offset still kept. */
export function startOf(cluster: Cluster, at: TopicPartition): Promise<number> {
  return askLeader(cluster, at, async (connection) => Number(await list(connection, at, START)));
}

/** Below it every transaction is decided. */
export function endOf(cluster: Cluster, at: TopicPartition): Promise<number> {
  return askLeader(cluster, at, async (connection) => Number(await list(connection, at, END)));
}

/** Past all that all replicas have, decided or not. */
export function writtenEndOf(cluster: Cluster, at: TopicPartition): Promise<number> {
  return askLeader(cluster, at, async (connection) => Number(await list(connection, at, END, READ_UNCOMMITTED)));
}

/** The first offset of that time or a later one, whatever stands there; undefined where there is none. */
export async function offsetAt(cluster: Cluster, at: TopicPartition, timeMs: number): Promise<number | undefined> {
  const found = await askLeader(cluster, at, (connection) =>
    list(connection, at, BigInt(Math.max(0, Math.ceil(timeMs)))),
  );
  return found < 0n ? undefined : Number(found);
}

async function list(
  connection: Connection,
  { topic, partition }: TopicPartition,
  timestamp: bigint,
  isolation = READ_COMMITTED,
): Promise<bigint> {
  const partitions = [{ partitionIndex: partition, currentLeaderEpoch: NO_EPOCH, timestamp }];
  const asked = listOffsetsV6.api.async(connection, CLIENT, isolation, [{ name: topic, partitions }]);
  const found = (await answerOf(asked)).topics[0]?.partitions[0];
  if (found === undefined) throw new Error('the broker answered nothing about the partition');
  check(found.errorCode, `offsets of ${topic}-${partition}`);
  return found.offset;
}
