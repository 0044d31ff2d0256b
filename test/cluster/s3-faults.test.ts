/** The store on S3 when connections are cut, stand still, or the server says that it cannot. */
import assert from 'node:assert/strict';
import { type TestContext, suite, test } from 'node:test';
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isFault } from '../../src/errors.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { type FaultyProxy, type LineFault, startFaultyProxy } from '../support/faulty-proxy.ts';
import { ownBucket, s3Client, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

const KiB = 1024;
const MiB = 1024 * KiB;
const idleTimeoutMs = 1000;

interface Place {
  readonly bucket: string;
  readonly proxy: FaultyProxy;
  /** Through the proxy. */
  readonly store: ObjectStore;
  /** Past it. */
  readonly direct: ObjectStore;
}

async function open(t: TestContext): Promise<Place> {
  const bucket = await ownBucket();
  const proxy = await startFaultyProxy(sharedS3);
  t.after(() => proxy.close());
  const store = await openS3Store({ bucket, endpoint: proxy.url, idleTimeoutMs });
  const direct = await openS3Store({ bucket, endpoint: sharedS3 });
  return { bucket, proxy, store, direct };
}

function bytes(length: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + seed) & 0xff));
}

function unavailable(...inMessage: readonly string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isFault(error, 'OBJECTS_UNAVAILABLE'), String(error));
    for (const text of inMessage) assert.ok(error.message.includes(text), error.message);
    const secrets = [s3Environment.AWS_SECRET_ACCESS_KEY, 'Signature=', 'Credential='];
    for (const secret of secrets) assert.ok(!JSON.stringify(error).includes(secret) && !error.message.includes(secret));
    return true;
  };
}

const passing: readonly LineFault[] = [
  { kind: 'cut request', afterBytes: 0 },
  { kind: 'cut request', afterBytes: 100 * KiB },
  { kind: 'cut answer', afterBytes: 0 },
  { kind: 'cut answer', afterBytes: 20 },
  { kind: 'stall' },
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 503 },
];

suite('objects on S3', () => {
  for (const fault of passing) {
    test(`D1: a write that meets ${JSON.stringify(fault)} is repeated`, async (t) => {
      const { proxy, store, direct } = await open(t);
      const body = bytes(300 * KiB, 1);
      proxy.next(fault);
      const staged = await store.stage([{ key: 'a/new', body, isNew: true }]);
      await staged.commit();
      assert.equal(proxy.faults, 1);
      assert.deepEqual(await direct.get('a/new'), body);
    });
  }

  for (const [what, length] of [
    ['in one request', 3 * MiB],
    ['in parts', 20 * MiB],
  ] as const) {
    test(`D3: a write ${what} that is cut each time fails, and leaves what was there`, async (t) => {
      const { bucket, proxy, store, direct } = await open(t);
      await direct.put('a', Buffer.from('old'));
      proxy.always({ kind: 'cut request', afterBytes: 2 * MiB });
      await assert.rejects(store.put('a', bytes(length, 2)), unavailable(`bucket ${bucket} at 127.0.0.1`, '"a"'));
      assert.deepEqual(await direct.get('a'), Buffer.from('old'));
      assert.deepEqual(await Array.fromAsync(direct.list('')), ['a']);
      const client = s3Client();
      t.after(() => client.destroy());
      const left = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      assert.deepEqual(left.Uploads ?? [], []);
      proxy.always(undefined);
      await store.put('a', bytes(length, 2));
      assert.deepEqual(await direct.get('a'), bytes(length, 2));
    });
  }

  test('D3: of an object in parts, a part that is cut is repeated, and no other', async (t) => {
    const { proxy, store, direct } = await open(t);
    const body = bytes(20 * MiB + 1, 3);
    proxy.next({ kind: 'answer', status: 503 }, { kind: 'cut request', afterBytes: 5 * MiB });
    await store.put('large', body);
    assert.equal(proxy.faults, 2);
    assert.ok((await direct.get('large'))?.equals(body));
  });

  test('D6: a server that hangs costs one time limit, however many objects wait, and then all goes on', async (t) => {
    const { proxy, store, direct } = await open(t);
    const keys = Array.from({ length: 500 }, (_, i) => `many/${i}`);
    const staged = await store.stage(keys.map((key) => ({ key, body: Buffer.from(key) })));
    proxy.always({ kind: 'stall' });
    await Promise.all([
      assert.rejects(staged.commit(), unavailable('many/')),
      assert.rejects(store.get('many/1'), unavailable('many/')),
      assert.rejects(Array.fromAsync(store.list('many/')), unavailable('many/')),
      assert.rejects(store.delete('many/1'), unavailable('many/')),
    ]);
    assert.ok(proxy.faults <= 32 * 3, `${proxy.faults} requests`);
    proxy.always(undefined);
    await store.put('many/1', Buffer.from('x'));
    assert.deepEqual(await direct.get('many/1'), Buffer.from('x'));
  });

  for (const fault of [
    { kind: 'cut answer', afterBytes: 100 * KiB },
    { kind: 'flip', atByte: 100 * KiB },
  ] as const) {
    test(`D2: what is read is whole, or not returned: ${JSON.stringify(fault)}`, async (t) => {
      const { proxy, store, direct } = await open(t);
      const body = bytes(300 * KiB, 4);
      await direct.put('a', body);
      proxy.next(fault);
      assert.deepEqual(await store.get('a'), body);
      assert.equal(proxy.faults, 1);
      proxy.always(fault);
      await assert.rejects(store.get('a'), unavailable('get object "a"'));
    });
  }

  test('D3: an object that another has written since it was looked for is not overwritten', async (t) => {
    const { store, direct } = await open(t);
    const large = bytes(17 * MiB, 5);
    for (const body of [Buffer.from('ours'), large]) {
      const staged = await store.stage([{ key: `a${body.length}`, body, isNew: true }]);
      await direct.put(`a${body.length}`, Buffer.from('theirs'));
      await assert.rejects(staged.commit(), (error) => isFault(error, 'OBJECT_EXISTS'));
      assert.deepEqual(await direct.get(`a${body.length}`), Buffer.from('theirs'));
    }
    const same = await store.stage([{ key: 'b', body: Buffer.from('same'), isNew: true }]);
    await direct.put('b', Buffer.from('same'));
    await same.commit();
  });

  test('a server that knows no conditional writes gets plain ones', async (t) => {
    const { proxy, store, direct } = await open(t);
    proxy.next({ kind: 'answer', status: 501 });
    await (await store.stage([{ key: 'a', body: Buffer.from('x'), isNew: true }])).commit();
    assert.deepEqual(await direct.get('a'), Buffer.from('x'));
  });

  test('lists more keys than a page has, in order, and none that are not ours', async (t) => {
    const { bucket, direct } = await open(t);
    const keys = Array.from({ length: 1234 }, (_, i) => `page/${String(i).padStart(4, '0')}`);
    await (await direct.stage(keys.map((key) => ({ key, body: Buffer.from('x') })))).commit();
    const client = s3Client();
    t.after(() => client.destroy());
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'page/directory/', Body: Buffer.alloc(0) }));
    assert.deepEqual(await Array.fromAsync(direct.list('')), keys);
  });

  test('a bucket that is not there, a wrong key and no server are told with bucket and key, without the secret', async (t) => {
    const { bucket } = await open(t);
    const none = await openS3Store({ bucket: 'not-there', endpoint: sharedS3 });
    await assert.rejects(none.get('a'), unavailable('bucket not-there', '404 NoSuchBucket', '"a"'));
    await assert.rejects(none.put('a', Buffer.from('x')), unavailable('bucket not-there', '404 NoSuchBucket'));
    const away = await openS3Store({ bucket, endpoint: 'http://127.0.0.1:1' });
    await assert.rejects(away.get('a'), unavailable('127.0.0.1:1', 'ECONNREFUSED'));
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong-secret';
    t.after(useS3Credentials);
    const refused = await openS3Store({ bucket, endpoint: sharedS3 });
    await assert.rejects(refused.get('a'), unavailable('403 SignatureDoesNotMatch'));
  });
});
