/** Compaction of objects in a bucket, killed at every request that changes it: each event is there once in the end (D3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { compactedPlace, lakeTopic } from '../support/compacted-place.ts';
import { ownBucket, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

const key = (name: number | string): string => `events/type=${encodeURIComponent('a\\b')}/${lakeTopic}-0-${name}.json`;

test('D3, D4: small objects of a bucket become one, whatever was killed before', async (t) => {
  for (const fault of [
    undefined,
    { of: 'put object', call: 0, how: 'crash before' } as const,
    { of: 'put object', call: 0, how: 'crash after' } as const,
    ...[0, 3].map((call) => ({ of: 'delete object', call, how: 'crash after' }) as const),
  ]) {
    const store = await openS3Store({ bucket: await ownBucket(), endpoint: sharedS3 });
    const place = await compactedPlace({ partitions: 1, settledTo: 100_000, store });
    t.after(() => place.close());
    // At first more than goes in one request.
    const body = (i: number): string => `${i} ${'x'.repeat(fault ? 100 : 500_000)}\n`;
    const objects = Array.from({ length: 40 }, (_, i) => ({ key: key(i * 7), body: Buffer.from(body(i)) }));
    await (await store.stage(objects)).commit();
    const run = { targetBytes: 1e9 };
    if (fault) assert.equal(await place.run({ ...run, fault }), 'died');
    const done = await place.run(run);
    assert.ok('prefixes' in (done as object), String((done as { failed?: unknown }).failed));
    assert.deepEqual(await Array.fromAsync(store.list('')), [key('0_273')]);
    const expected = objects.map(({ body: one }) => String(one)).join('');
    assert.ok(String(await store.get(key('0_273'))) === expected, JSON.stringify(fault));
    assert.deepEqual(((await place.run(run)) as { prefixes: unknown }).prefixes, []);
  }
});
