/** `collect` with a subject of each kind of schema: what fits lands the same, what does not is a dead letter with its path. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectEvent, packageOf, someUuid, stampNames } from '../support/collect-event.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp, deadLettersOf, eventLinesOf, rowsOf } from '../support/landed.ts';
import { scratch, startFor } from '../support/program.ts';

const strings = (...names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, { type: 'string' }]));

const jsonSchema = JSON.stringify({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['data', 'attributes'],
  properties: {
    data: {
      type: 'object',
      required: ['id', 'amount'],
      properties: { id: { type: 'string' }, amount: { type: 'number' } },
    },
    attributes: {
      type: 'object',
      required: ['timestampStamp', 'messageIdStamp', 'type', 'targetSubscription', 'newContextStamp'],
      properties: {
        ...strings('timestampStamp', 'messageIdStamp', 'type'),
        targetSubscription: { enum: ['billing', 'mail'] },
        newContextStamp: { type: 'object', properties: strings('accountId', 'userId', 'requestPlatform') },
        amplitudeTrackStamp: { type: 'object', properties: { id: { type: 'integer', minimum: 0 } } },
      },
    },
  },
});

const protobuf = `syntax = "proto3";
package tributary.collect;

message Event {
  Data data = 1;
  Attributes attributes = 2;
}

message Data {
  string id = 1;
  double amount = 2;
}

message Attributes {
  string timestamp_stamp = 1;
  string message_id_stamp = 2;
  string type = 3;
  Subscription target_subscription = 4;
  NewContextStamp new_context_stamp = 5;
  AmplitudeTrackStamp amplitude_track_stamp = 6;
}

enum Subscription {
  none = 0;
  billing = 1;
  mail = 2;
}

message NewContextStamp {
  string account_id = 1;
  string user_id = 2;
  optional string request_platform = 3;
}

message AmplitudeTrackStamp {
  uint64 id = 1;
  optional string tracked_device = 2;
}
`;

const data = '{"id":"a","amount":1e400,"more":[12345678901234567890.10]}';
const plain = collectEvent({ data: '{"id":"","amount":0}' });
const track = `${JSON.stringify(stampNames().amplitudeTrack)}:{"id":5,"trackedDevice":"d"}`;
const rich = collectEvent({ data }).replace('"targetSubscription"', () => `${track},"targetSubscription"`);
const misfit = collectEvent({ data: '{"id":"misfit","amount":1}' }).replace('"billing"', '"elsewhere"');

suite('collect with schemas of other kinds than Avro', { timeout: 120_000 }, () => {
  for (const [type, ending, schema] of [
    ['JSON', 'schema.json', jsonSchema],
    ['PROTOBUF', 'proto', protobuf],
  ] as const)
    test(`${type}: events land in objects and in the table, misfits are dead letters with their path (D2, D3)`, async (t) => {
      const dir = await scratch(t);
      const dataDir = join(dir, 'data');
      await mkdir(join(dir, 'schemas'));
      await writeFile(join(dir, 'schemas', `events.raw-value.${ending}`), schema);
      await writeFile(join(dir, 'config.json'), JSON.stringify({ schemasDir: 'schemas' }));
      const program = await startFor(t, {
        dataDir,
        args: ['--config', join(dir, 'config.json'), '--only', 'collect'],
      });

      const registered = await httpRequest(`${program.url}/registry/subjects/events.raw-value/versions/latest`);
      const { id, schemaType } = JSON.parse(registered.text) as { id: number; schemaType: string };
      assert.equal(schemaType, type);

      const answer = await taken(program.url, packageOf([plain, misfit, rich]));
      assert.deepEqual([answer.accepted, answer.rejected], [2, 1]);
      const [error] = answer.errors;
      assert.deepEqual([error?.index, error?.path], [1, 'attributes.targetSubscription']);
      assert.match(error?.message ?? '', /^expected one of .*billing.*, got string "elsewhere"$/);

      await caughtUp(dataDir);
      const [letter] = await deadLettersOf(dataDir);
      assert.deepEqual([letter?.event, letter?.error.path], [misfit, 'attributes.targetSubscription']);
      const rows = await rowsOf<{ target: string; data: string }>(
        dataDir,
        'SELECT target_subscription AS target, data::text AS data FROM events ORDER BY correlation_id',
      );
      assert.deepEqual(
        rows.map(({ target }) => target),
        ['billing', 'billing'],
      );
      const lines = await eventLinesOf(dataDir);
      const prefix = answer.packageId.slice(0, -1);
      const stored = [0, 2].map((index) => lines.get(`${prefix}${index}`)?.line ?? '');
      assert.match(stored[1] ?? '', new RegExp(`^${RegExp.escape(`{"data":${data},`)}`));
      const [first, second] = stored.map((line) => JSON.parse(line) as Stored);
      const newContextStamp = { accountId: someUuid, userId: someUuid };
      assert.deepEqual(first?.attributes.newContextStamp, newContextStamp);
      assert.deepEqual(Object.keys(first?.attributes ?? {}).length, 5);
      assert.deepEqual(second?.attributes.amplitudeTrackStamp, { id: 5, trackedDevice: 'd' });
      assert.deepEqual([first?.metadata.schemaId, second?.metadata.schemaId], [id, id]);
    });
});

interface Stored {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly schemaId: number };
}
