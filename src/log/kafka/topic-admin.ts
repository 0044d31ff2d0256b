/** Makes topics, and adds partitions where there are fewer; resolves when brokers lead all of them. */
import { createPartitionsV2, createTopicsV6 } from '@platformatic/kafka';
import { Fault, reasonOf } from '../../errors.ts';
import type { TopicSpec } from '../log.ts';
import { answerOf, check, isBrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { pause } from './time-limit.ts';

const limitMs = 30_000;
const AS_THE_CLUSTER_IS_SET_UP = -1;

/** Of topics that are made here; others stay as they are. How long records are kept is the cluster's to say. */
const topicSettings = [
  { name: 'message.timestamp.type', value: 'LogAppendTime' }, // when the log took a record, by the leader's clock
  { name: 'max.message.bytes', value: String(40 << 20) }, // a package of one event (32 MiB by default) and what goes with it
];

/** @throws Fault TOPIC_MISMATCH where there are more partitions, LOG_UNAVAILABLE, CONFIG_INVALID where brokers refuse */
export async function ensureTopics(cluster: Cluster, wanted: readonly TopicSpec[]): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  for (let attempt = 0; ; attempt += 1) {
    const { leaders } = await cluster.refresh();
    checkNoneHasMore(wanted, leaders);
    const missing = wanted.filter(({ name }) => !leaders.has(name));
    const growing = wanted.filter(({ name, partitions }) => (leaders.get(name)?.length ?? Infinity) < partitions);
    if (missing.length === 0 && growing.length === 0 && areLed(wanted, leaders)) return;
    await create(cluster, missing);
    await grow(cluster, growing);
    if (!(await pause(attempt, deadlineMs)))
      throw new Fault(
        'LOG_UNAVAILABLE',
        `Kafka leads not all partitions of ${wanted.map(({ name }) => name).join(', ')}`,
      );
  }
}

type Leaders = ReadonlyMap<string, readonly number[]>;

function checkNoneHasMore(wanted: readonly TopicSpec[], leaders: Leaders): void {
  for (const { name, partitions } of wanted) {
    const has = leaders.get(name)?.length ?? 0;
    if (has > partitions)
      throw new Fault('TOPIC_MISMATCH', `The topic ${name} has ${has} partitions, and ${partitions} are wanted.`);
  }
}

function areLed(wanted: readonly TopicSpec[], leaders: Leaders): boolean {
  return wanted.every(({ name }) => leaders.get(name)?.every((leader) => leader >= 0));
}

async function create(cluster: Cluster, missing: readonly TopicSpec[]): Promise<void> {
  if (missing.length === 0) return;
  const topics = missing.map(({ name, partitions, replicas }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: replicas ?? AS_THE_CLUSTER_IS_SET_UP,
    assignments: [],
    configs: topicSettings,
  }));
  const connection = await cluster.to((await cluster.topology()).controller);
  const made = (await answerOf(createTopicsV6.api.async(connection, topics, limitMs, false))).topics;
  for (const { name, errorCode, errorMessage } of made)
    checkMade(() => check(errorCode, `Kafka does not make the topic ${name}`, errorMessage));
}

async function grow(cluster: Cluster, growing: readonly TopicSpec[]): Promise<void> {
  if (growing.length === 0) return;
  const topics = growing.map(({ name, partitions }) => ({ name, count: partitions, assignments: null }));
  const connection = await cluster.to((await cluster.topology()).controller);
  const { results } = await answerOf(createPartitionsV2.api.async(connection, topics, limitMs, false));
  for (const { name, errorCode, errorMessage } of results)
    checkMade(() => check(errorCode, `Kafka adds no partitions to ${name}`, errorMessage));
}

/** Where another process was quicker, the next look tells whether all is well. */
function checkMade(checked: () => void): void {
  try {
    checked();
  } catch (error) {
    if (isBrokerError(error, 'TOPIC_ALREADY_EXISTS', 'INVALID_PARTITIONS', 'NOT_CONTROLLER', 'REQUEST_TIMED_OUT'))
      return;
    throw new Fault('CONFIG_INVALID', reasonOf(error), { cause: error });
  }
}
