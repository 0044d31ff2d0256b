export const topicNameForm = 'a topic name of 1 to 249 of A-Z a-z 0-9 . _ - (and not . or ..)';

/** Kafka's rule for names of topics (org.apache.kafka.common.internals.Topic). */
export function isTopicName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..';
}
