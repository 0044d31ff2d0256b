/**
 * The admin API of replays:
 *
 *   GET  /admin/replays    those that are not done yet
 *   POST /admin/replays    { pipeline, from, partition, dryRun }: what is (or would be) replayed of each partition
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Replays } from '../../processing/replays.ts';
import { readJsonBody } from '../json-body.ts';
import { time } from './filter.ts';

const from = z.union(
  [z.literal('start'), z.strictObject({ offset: z.int().min(0) }), z.strictObject({ time })],
  'expected "start", {"offset": 0} or {"time": "2026-11-20T12:00:00Z"}',
);

export const replayPipelineRequest = z.strictObject({
  pipeline: z.string(),
  from,
  partition: z.int().min(0).optional(),
  dryRun: z.boolean(),
});

export function mountReplays(app: FastifyInstance, replays: Replays): void {
  app.get('/admin/replays', async (_request, _reply) => ({ replays: await replays.underWay() }));
  app.post('/admin/replays', async (request, _reply) => {
    const { from: where, ...asked } = await readJsonBody(request, replayPipelineRequest);
    return { replays: await replays.ask({ ...asked, from: fromOf(where) }) };
  });
}

function fromOf(where: z.output<typeof from>) {
  if (where === 'start' || 'offset' in where) return where;
  return { timeMs: where.time };
}
