/** Asks the leader of a partition, whoever that is by now: again, for a while, where it was another one or does not answer. */
import type { Connection } from '@platformatic/kafka';
import { Fault, isFault, reasonOf } from '../../errors.ts';
import type { TopicPartition } from '../log.ts';
import { isBrokerError, isStale } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { pause } from './time-limit.ts';

/** A broker that is restarted, or replaced by another leader, takes about so long. */
const patienceMs = 5_000;

/** @throws Fault TOPIC_UNKNOWN, LOG_UNAVAILABLE; and what `ask` throws as a Fault */
export async function askLeader<T>(
  cluster: Cluster,
  at: TopicPartition,
  ask: (connection: Connection) => Promise<T>,
  deadlineMs = performance.now() + patienceMs,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(await cluster.to(await cluster.leader(at)));
    } catch (error) {
      if (isFault(error)) throw error;
      if (isBrokerError(error) && !isStale(error)) throw unavailable(at, error);
      const isLast = !(await pause(attempt, deadlineMs));
      await cluster.refresh().catch(() => undefined); // the next attempt, or the first error, tells more
      if (isLast) throw unavailable(at, error);
    }
  }
}

export function unavailable({ topic, partition }: TopicPartition, cause: unknown): Fault {
  return new Fault('LOG_UNAVAILABLE', `${topic}-${partition} cannot be read: ${reasonOf(cause)}`, { cause });
}
