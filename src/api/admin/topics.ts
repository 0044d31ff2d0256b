/** `POST /admin/topics`: topics of a list, made by the process that writes the log. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isTopicName, topicNameForm } from '../../event/topic-name.ts';
import { type AppliedTopic, type ApplyOptions, applyTopics, mostPartitions } from '../../log/apply-topics.ts';
import { readJsonBody } from '../json-body.ts';

export interface TopicsAnswer {
  readonly topics: readonly AppliedTopic[];
}

const topic = z.strictObject({
  name: z.string().refine(isTopicName, `expected ${topicNameForm}`),
  partitions: z.int().min(1).max(mostPartitions),
  /** Copies that a cluster keeps of each partition. */
  replicas: z.int().min(1).max(32_767).optional(),
});

export const topicsRequest = z.strictObject({
  topics: z
    .array(topic)
    .max(1000)
    .refine((topics) => new Set(topics.map(({ name }) => name)).size === topics.length, 'a topic is listed twice'),
});

export function mountTopics(app: FastifyInstance, options: ApplyOptions): void {
  app.route({ method: 'POST', url: '/admin/topics', handler: (request) => answer(request, options) });
}

async function answer(request: FastifyRequest, options: ApplyOptions): Promise<TopicsAnswer> {
  const { topics } = await readJsonBody(request, topicsRequest);
  return { topics: await applyTopics(options, topics) };
}
