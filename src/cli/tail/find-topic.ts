/** A topic by its name, or what may have been meant. */
import { Fault } from '../../errors.ts';
import { nearest } from '../../config/problems.ts';
import type { LogReader, TopicSpec } from '../../log/log.ts';

/** @throws Fault TOPIC_UNKNOWN */
export async function findTopic(log: LogReader, name: string): Promise<TopicSpec> {
  const topics = await log.topics();
  const found = topics.find((topic) => topic.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    topics.map((topic) => topic.name),
  );
  const meant = near === undefined ? '' : `; did you mean ${near}?`;
  throw new Fault('TOPIC_UNKNOWN', `there is no topic ${JSON.stringify(name)}${meant}`);
}
