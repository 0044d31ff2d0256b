/** Makes the topics before any node does, so that each has a copy on every broker, whatever the list of topics says. */
import type { Config } from '../../config/config.ts';
import { loadApps } from '../../engine/load-apps.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';
import { openKafkaLog } from '../../log/kafka/kafka-log.ts';
import { readTopicList } from '../../log/topic-list.ts';

/** What neither list nor pipelines name is made by nodes as the brokers are set up. */
export async function makeTopics(brokers: readonly string[], config: Config, replicas: number): Promise<void> {
  const listed = await readTopicList(config.topicsFile);
  const needed = pipelinesOf(await loadApps(config)).flatMap(({ topic, deadLetterTopic }) => [
    topic.name,
    deadLetterTopic,
  ]);
  const unlisted = needed.filter((name) => !listed.some((topic) => topic.name === name));
  const topics = [...listed, ...unlisted.map((name) => ({ name, partitions: 1 }))];
  const log = await openKafkaLog({ brokers: brokers.map(addressOf), transactionalId: 'tributary-prove' });
  try {
    await log.ensureTopics(topics.map((topic) => ({ ...topic, replicas })));
  } finally {
    await log.close();
  }
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const [host = '', port = ''] = text.split(':');
  return { host, port: Number(port) };
}
