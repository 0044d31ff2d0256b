/** The sink of objects on S3: as on a directory, and fenced where the server tells what is there since. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { Reject } from '../../src/event/reject.ts';
import { ndjson } from '../../src/sinks/objects/object-format.ts';
import { createObjectsSink } from '../../src/sinks/objects/objects-sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { type TestEvent, batchOf, newPartition, sinkContract, stage } from '../contracts/sink.ts';
import { ownBucket, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

async function makeStore(): Promise<ObjectStore> {
  return openS3Store({ bucket: await ownBucket(), endpoint: sharedS3 });
}

function key(event: TestEvent): string {
  if (event.bad) throw new Reject('data.bad', 'something good');
  return `events/date=${event.time.slice(0, 10)}`;
}

function sinkOn(store: ObjectStore, version = 1): Sink<TestEvent> {
  return createObjectsSink({
    store,
    name: 'objects',
    key,
    format: async () => ndjson((event) => JSON.stringify({ ...event, version })),
  });
}

async function idsIn(store: ObjectStore, object: string): Promise<readonly string[]> {
  const lines = String(await store.get(object)).split('\n');
  assert.equal(lines.pop(), '');
  return lines.map((line) => (JSON.parse(line) as TestEvent).id);
}

sinkContract('objects on S3', async () => {
  const store = await makeStore();
  return {
    sink: () => sinkOn(store),
    landed: async ({ topic, partition }) => {
      const found: (readonly [number, readonly string[]])[] = [];
      for await (const object of store.list('events/')) {
        const first = new RegExp(`/${topic}-${partition}-(\\d+)\\.json$`).exec(object)?.[1];
        if (first !== undefined) found.push([Number(first), await idsIn(store, object)]);
      }
      return found.toSorted(([a], [b]) => a - b).flatMap(([, ids]) => ids);
    },
    fences: false,
    close: () => Promise.resolve(),
  };
});

test('D3: a stale owner, overtaken by one whose code is another, does not overwrite what that has landed', async () => {
  const store = await makeStore();
  const at = newPartition();
  const stale = await stage(await sinkOn(store, 1).open(at), batchOf(at, 0, 3));
  const owner = await stage(await sinkOn(store, 2).open(at), batchOf(at, 0, 3), stale.plan);
  await owner.commit();
  await assert.rejects(stale.commit(), (error) => isFault(error, 'OBJECT_EXISTS'));
  for await (const object of store.list('')) assert.match(String(await store.get(object)), /"version":2/);
});
