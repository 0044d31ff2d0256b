/** A request that `lake` has refused is one dead letter: mended, all of its events go in, once; as long as one is bad, none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { app } from '../../../apps/lake/lake.ts';
import { replayCorrelationId } from '../../../src/event/correlation-id.ts';
import { openRepairs } from '../../support/repair-parts.ts';
import { scratch } from '../../support/program.ts';

const { pipeline } = app;
const timestamp = '2026-11-20T12:00:00Z';

function event(id: number, more: object = {}): object {
  const event_id = `0190a1b2-c3d4-7e5f-8a9b-${String(id).padStart(12, '0')}`;
  return { event_id, user_id: null, event_type: 'click', source: 'web', timestamp, properties: {}, ...more };
}

test('D2, D9: a request that is mended goes in whole, under ids that follow from its own, once; one that is not stays a letter', async (t) => {
  const parts = await openRepairs({ dir: await scratch(t), pipeline });
  t.after(() => parts.close());
  const names = [pipeline.topic.name, pipeline.deadLetterTopic];
  await parts.ingest.log.ensureTopics(names.map((name) => ({ name, partitions: 1 })));
  const events = [event(1), event(2, { timestamp: 'invalid-timestamp' }), event(3), event(4, { source: 'desktop' })];
  const { packageId } = await parts.ingest.send([JSON.stringify({ events })]);
  assert.deepEqual((await parts.records(pipeline.topic.name)).length, 0);

  const [refused] = await parts.replay();
  assert.deepEqual([refused?.result, refused?.path], ['refused', 'events[1].timestamp']);
  const mend = (at: string, value: string): Promise<unknown> =>
    parts.patch(JSON.stringify([{ op: 'replace', path: at, value }]));
  await mend('/events/1/timestamp', timestamp);
  const [again] = await parts.replay();
  assert.deepEqual([again?.result, again?.path], ['refused', 'events[3].source']);
  assert.equal((await parts.records(pipeline.topic.name)).length, 0, 'none as long as one is bad');

  await mend('/events/3/source', 'web');
  const [accepted] = await parts.replay();
  const as = replayCorrelationId(packageId, 1);
  assert.deepEqual(accepted, { correlationId: packageId, pipeline: 'lake', result: 'accepted', as });
  assert.equal((await parts.replay())[0]?.result, 'already replayed');
  const records = await parts.records(pipeline.topic.name);
  assert.deepEqual(
    records.map(({ key, headers }) => [key?.toString(), new Map(headers).get('correlationId')?.toString()]),
    [1, 2, 3, 4].map((id, index) => [
      `0190a1b2-c3d4-7e5f-8a9b-${String(id).padStart(12, '0')}`,
      `${as.slice(0, 30)}${String(index).padStart(6, '0')}`,
    ]),
  );
  assert.equal(parts.counted(), 4);
});
