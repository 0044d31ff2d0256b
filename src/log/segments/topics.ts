/** What becomes of the topics of a log when a caller wants some. */
import { Fault } from '../../errors.ts';
import type { TopicSpec } from '../log.ts';

/** As Kafka: the names of topics are also part of file names and object keys. */
const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

/**
 * The topics with those that are missing; `undefined` where none are.
 * @throws Fault TOPIC_MISMATCH where one has more partitions than wanted
 */
export function missingTopics(
  present: readonly TopicSpec[],
  wanted: readonly TopicSpec[],
): readonly TopicSpec[] | undefined {
  const topics = new Map(present.map((topic) => [topic.name, topic]));
  let isChanged = false;
  for (const { name, partitions } of wanted) {
    if (!TOPIC_NAME.test(name) || !Number.isInteger(partitions) || partitions < 1)
      throw new Fault(
        'TOPIC_MISMATCH',
        `A topic cannot be named ${JSON.stringify(name)} with ${partitions} partitions.`,
      );
    const there = topics.get(name)?.partitions ?? 0;
    if (there > partitions)
      throw new Fault('TOPIC_MISMATCH', `Topic ${name} has ${there} partitions, and ${partitions} are asked for.`);
    if (there === partitions) continue;
    topics.set(name, { name, partitions });
    isChanged = true;
  }
  return isChanged ? [...topics.values()] : undefined;
}
