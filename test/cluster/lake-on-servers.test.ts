/** `lake` with its log on Kafka and its objects on S3: uploads fail, the program is killed, and each event that was taken is there once. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { httpRequest } from '../support/http-request.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { caughtUp } from '../support/landed.ts';
import { type Program, scratch, startProgram } from '../support/program.ts';
import { type OwnS3, ownS3, s3Environment, useS3Credentials } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

useS3Credentials();

const seconds = 120;

function event(type: string): object {
  const timestamp = '2026-11-20T12:00:00Z';
  return { event_id: randomUUID(), user_id: 'user_1', event_type: type, source: 'web', timestamp, properties: {} };
}

/** Some of them twice, and a signup. */
const requests = Array.from({ length: 20 }, () => {
  const events = Array.from({ length: 20 }, () => event('share'));
  return [...events, ...events.slice(0, 2), event('signup')];
});

async function send({ url }: Program, events: readonly object[]): Promise<number> {
  const body = JSON.stringify({ events });
  return (await httpRequest(`${url}/webhook/events`, { body })).status;
}

async function idsIn(store: ObjectStore): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const key of store.list('events/')) {
    assert.match(key, /^events\/event_type=share\/date=2026-11-20\/lake\.raw-0-\d+\.json$/);
    const lines = String(await store.get(key)).split('\n');
    assert.equal(lines.pop(), '', `${key} is torn`);
    for (const line of lines) ids.push((JSON.parse(line) as { event_id: string }).event_id);
  }
  return ids;
}

suite('lake on Kafka and S3', { timeout: 300_000 }, () => {
  let broker: OwnBroker;
  let s3: OwnS3;
  before(async () => {
    [broker, s3] = await Promise.all([ownBroker(), ownS3()]);
  });
  after(() => Promise.all([broker.dispose(), s3.dispose()]));

  test('D1, D3, D5: each event of a request that was answered 200 is in one object, once, also where it came again after a kill', async (t) => {
    const dataDir = await scratch(t);
    const bucket = await s3.bucket();
    const kafka = { KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}` };
    const env = { ...s3Environment, ...kafka, S3_BUCKET: bucket, S3_ENDPOINT: s3.url };
    const args = ['--only', 'lake'];
    const first = await startProgram({ dataDir, env, args });
    t.after(() => first.kill('SIGKILL'));
    for (const events of requests.slice(0, 5)) assert.equal(await send(first, events), 200, first.log());
    await s3.kill();
    for (const events of requests.slice(5, 15)) assert.equal(await send(first, events), 200, first.log());
    await until(() => first.log().includes('OBJECTS_UNAVAILABLE'));
    await first.kill('SIGKILL');
    await s3.start();
    const again = await startProgram({ dataDir, env, args });
    t.after(() => again.kill('SIGKILL'));
    for (const events of requests) assert.equal(await send(again, events), 200, again.log());
    await caughtUp(dataDir, env, seconds);
    const ids = await idsIn(await openS3Store({ bucket, endpoint: s3.url }));
    const expected = new Set(
      requests.flatMap((events) => events.slice(0, 20)).map((one) => (one as { event_id: string }).event_id),
    );
    assert.deepEqual([ids.length, new Set(ids)], [expected.size, expected]);
    assert.equal(await send(again, [{ ...event('share'), source: '' }]), 400);
    assert.equal(await again.kill('SIGTERM'), 0, again.log());
  });
});
