import type { HttpSource } from 'tributary';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { app, generate, pipeline } from '../../../apps/collect/collect.ts';
import { readTopicList } from '../../../src/log/topic-list.ts';

test('the pipeline is the one of the contract', () => {
  const { name, source, schema, topic, deadLetterTopic, verbatim, process } = pipeline;
  assert.deepEqual(
    [
      name,
      (source as HttpSource).path,
      (source as HttpSource).maxEvents,
      (source as HttpSource).maxPackageBytes,
      schema.subject,
      topic.name,
      deadLetterTopic,
      verbatim,
      process.onInvalid,
    ],
    [
      'collect',
      '/collect',
      100_000,
      33_554_432,
      'events.raw-value',
      'events.raw',
      'events.dead.letter',
      ['data'],
      'dead-letter',
    ],
  );
  const table = pipeline.sinks.find((sink) => sink.kind === 'table');
  assert.ok(table);
  assert.equal(table.name, 'events');
  assert.deepEqual(table.partitionBy, { column: 'timestamp_stamp', every: 'month' });
  assert.deepEqual(table.indexes, [['type']]);
  assert.deepEqual(
    Object.entries(table.columns).map(([column, { type }]) => `${column} ${type}`),
    [
      'timestamp_stamp timestamptz',
      'message_id_stamp uuid',
      'correlation_id uuid',
      'type text',
      'target_subscription text',
      'new_context_account_id uuid',
      'new_context_user_id uuid',
      'data jsonb',
    ],
  );
  assert.equal(pipeline.sinks.filter((sink) => sink.kind === 'objects').length, 1);
});

test('the app offers its pipeline and its generator', () => {
  assert.equal(app.pipeline, pipeline);
  assert.equal(app.generate, generate);
});

test('its topics are listed', async () => {
  const file = fileURLToPath(new URL('../../../topics/main-topics', import.meta.url));
  const listed = new Map((await readTopicList(file)).map((topic) => [topic.name, topic]));
  assert.deepEqual(listed.get('events.raw'), { name: 'events.raw', partitions: 3, replicas: 1 });
  assert.deepEqual(listed.get('events.dead.letter'), { name: 'events.dead.letter', partitions: 1, replicas: 1 });
});
