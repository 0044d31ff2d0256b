/** Makes the topics before any node does, so that each has a copy on every broker, whatever the list of topics says. */
import type { Config } from '../../config/config.ts';
import { addressOf } from '../../engine/kafka-engine-log.ts';
import { loadApps } from '../../engine/load-apps.ts';
import { neededTopics } from '../../engine/needed-topics.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';
import { openKafkaLog } from '../../log/kafka/kafka-log.ts';

/** What neither list nor pipelines name is made by nodes as the brokers are set up. */
export async function makeTopics(brokers: readonly string[], config: Config, replicas: number): Promise<void> {
  const topics = await neededTopics(config, pipelinesOf(await loadApps(config)));
  const log = await openKafkaLog({ brokers: brokers.map(addressOf), transactionalId: 'tributary-prove' });
  try {
    await log.ensureTopics(topics.map((topic) => ({ ...topic, replicas })));
  } finally {
    await log.close();
  }
}
