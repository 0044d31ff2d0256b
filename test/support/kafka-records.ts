/** Records of a test's own topic, as texts. */
import { randomUUID } from 'node:crypto';
import type { Log, LogReader } from '../../src/log/log.ts';
import { recordsIn } from './records-in.ts';

export const newTopic = (): string => `test-${randomUUID()}`;

export async function topicOf(log: Log, partitions = 1): Promise<string> {
  const topic = newTopic();
  await log.ensureTopics([{ name: topic, partitions }]);
  return topic;
}

/** One batch. */
export function appendTexts(log: Log, topic: string, texts: readonly string[], signal?: AbortSignal): Promise<void> {
  const batch = log.batch();
  for (const text of texts) batch.add({ topic, key: text, value: Buffer.from(text), headers: [] });
  return log.append(batch, signal === undefined ? {} : { signal });
}

export async function textsIn(log: LogReader, topic: string, partitions = 1, maxBytes = 1 << 20): Promise<string[]> {
  const texts: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1)
    for (const { value } of await recordsIn(log, { topic, partition }, maxBytes)) texts.push(value.toString());
  return texts;
}
