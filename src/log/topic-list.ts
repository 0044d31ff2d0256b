/**
 * Lists of topics: `name:partitions:replicas` a line, commas in place of colons work too, and `#` begins a comment.
 */
import { readFile } from 'node:fs/promises';
import { Fault } from '../errors.ts';
import { isTopicName, topicNameForm } from '../event/topic-name.ts';
import type { TopicSpec } from './log.ts';

export interface ListedTopic extends TopicSpec {
  /** Copies that a cluster keeps of each partition; the embedded log keeps one. */
  readonly replicas: number;
}

/** A signed 16-bit number in Kafka's protocol. */
const maxReplicas = 32_767;
const maxPartitions = 2 ** 31 - 1;

/** @throws Fault CONFIG_INVALID, naming the file and the line */
export async function readTopicList(file: string): Promise<readonly ListedTopic[]> {
  let list: string;
  try {
    list = await readFile(file, 'utf8');
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `the list of topics cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseTopicList(list, file);
}

/**
 * @param file names the list in messages
 * @throws Fault CONFIG_INVALID, naming the line
 */
export function parseTopicList(list: string, file: string): readonly ListedTopic[] {
  const topics = new Map<string, ListedTopic>();
  for (const [index, line] of list
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const entry = line.replace(/#.*/s, '').trim();
    if (entry === '') continue;
    const where = `${file}:${index + 1}`;
    const topic = parseTopic(entry, where);
    if (topics.has(topic.name)) throw new Fault('CONFIG_INVALID', `${where}: the topic ${topic.name} is listed twice`);
    topics.set(topic.name, topic);
  }
  return [...topics.values()];
}

function parseTopic(entry: string, where: string): ListedTopic {
  const [name = '', partitions = '', replicas = '', ...rest] = entry.split(/[:,]/).map((field) => field.trim());
  if (partitions === '' || replicas === '' || rest.length > 0)
    throw new Fault('CONFIG_INVALID', `${where}: expected name:partitions:replicas, got ${JSON.stringify(entry)}`);
  if (!isTopicName(name))
    throw new Fault('CONFIG_INVALID', `${where}: expected ${topicNameForm}, got ${JSON.stringify(name)}`);
  return {
    name,
    partitions: parseCount(partitions, maxPartitions, `${where}: partitions of ${name}`),
    replicas: parseCount(replicas, maxReplicas, `${where}: replicas of ${name}`),
  };
}

function parseCount(text: string, most: number, what: string): number {
  const count = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= most) return count;
  throw new Fault('CONFIG_INVALID', `${what}: expected an integer from 1 to ${most}, got ${JSON.stringify(text)}`);
}
