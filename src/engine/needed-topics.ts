/** The topics that pipelines need: as the configured list has them, else with one partition. */
import type { Config } from '../config/config.ts';
import type { TopicSpec } from '../log/log.ts';
import { readTopicList } from '../log/topic-list.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';

/** And all others of the list. @throws Fault CONFIG_INVALID */
export async function neededTopics(
  { topicsFile }: Pick<Config, 'topicsFile'>,
  pipelines: readonly Pipeline[],
): Promise<readonly TopicSpec[]> {
  const listed = await readTopicList(topicsFile);
  const needed = pipelines.flatMap(({ topic, deadLetterTopic }) => [topic.name, deadLetterTopic]);
  const unlisted = needed.filter((name) => !listed.some((topic) => topic.name === name));
  return [...listed, ...unlisted.map((name) => ({ name, partitions: 1 }))];
}
