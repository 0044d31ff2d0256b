import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { percentEncodeSegment } from '../../src/event/object-key.ts';
import { Reject } from '../../src/event/reject.ts';
import { ndjson } from '../../src/sinks/objects/object-format.ts';
import { createObjectsSink } from '../../src/sinks/objects/objects-sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { type TestEvent, batchOf, land, newPartition, sinkContract, stage } from '../contracts/sink.ts';

async function makeStore(): Promise<{ store: ObjectStore; close: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-objects-'));
  return { store: await openDirectoryStore({ dir }), close: () => rm(dir, { recursive: true }) };
}

function prefixOf(event: TestEvent): string {
  if (event.bad) throw new Reject('data.bad', 'something good');
  return `events/date=${event.time.slice(0, 10)}/type=${percentEncodeSegment('a\\b')}`;
}

/** @param prefix of the code at hand: `key` changes between versions of a pipeline */
function sinkOn(
  store: ObjectStore,
  prefix = prefixOf,
  serialise = (event: TestEvent) => JSON.stringify(event),
): Sink<TestEvent> {
  return createObjectsSink({ store, name: 'objects', key: prefix, format: async () => ndjson(serialise) });
}

async function read(store: ObjectStore, prefix: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for await (const key of store.list(prefix)) {
    const lines = String(await store.get(key)).split('\n');
    assert.equal(lines.pop(), '');
    found[key] = lines.map((line) => (JSON.parse(line) as TestEvent).id);
  }
  return found;
}

sinkContract('objects on a directory', async () => {
  const { store, close } = await makeStore();
  return {
    sink: () => sinkOn(store),
    landed: async ({ topic, partition }) => {
      const name = new RegExp(`/${topic}-${partition}-(\\d+)\\.json$`);
      const objects = Object.entries(await read(store, 'events/')).filter(([key]) => name.test(key));
      return objects
        .toSorted(([a], [b]) => Number(name.exec(a)?.[1]) - Number(name.exec(b)?.[1]))
        .flatMap(([, ids]) => ids);
    },
    fences: false,
    close,
  };
});

async function scratch(t: TestContext): Promise<ObjectStore> {
  const { store, close } = await makeStore();
  t.after(close);
  return store;
}
const byParity = (event: TestEvent): string => `p/${Number(event.id.split(' ')[2]) % 2 === 0 ? 'even' : 'odd'}`;

describe('objects sink', () => {
  it('D4: makes one object of each prefix, named by its own first offset', async (t) => {
    const store = await scratch(t);
    const at = { topic: 'events.raw', partition: 3 };
    await land(await sinkOn(store, byParity).open(at), batchOf(at, 10, 15, [10]));
    assert.deepEqual(await read(store, ''), {
      'p/even/events.raw-3-12.json': ['events.raw 3 12', 'events.raw 3 14'],
      'p/odd/events.raw-3-11.json': ['events.raw 3 11', 'events.raw 3 13'],
    });
  });

  it('D3: never overwrites what no plan of its own names', async (t) => {
    const store = await scratch(t);
    const at = newPartition();
    await land(await sinkOn(store).open(at), batchOf(at, 0, 3));
    const before = await read(store, '');
    const other = await sinkOn(store, prefixOf, (event) => JSON.stringify({ ...event, of: 'another log' })).open(at);
    await assert.rejects(stage(other, batchOf(at, 0, 3)), (error) => isFault(error, 'OBJECT_EXISTS'));
    assert.deepEqual(await read(store, ''), before);
  });

  it('D3: a redo after a change of code replaces and removes what the plan names, also over two crashes', async (t) => {
    const store = await scratch(t);
    const at = newPartition();
    const first = await land(await sinkOn(store, byParity).open(at), batchOf(at, 0, 4));
    // The second try, with other keys and bytes, ends before its commit: only its plan is kept.
    const moved = await sinkOn(store, () => 'p/moved').open(at);
    const second = await stage(moved, batchOf(at, 0, 4), first);
    const changed = await sinkOn(
      store,
      (event) => byParity(event).replace('odd', 'new'),
      (event) => JSON.stringify({ ...event, v: 2 }),
    ).open(at);
    const third = await stage(changed, batchOf(at, 0, 4), second.plan);
    await third.commit();
    const { topic } = at;
    assert.deepEqual(await read(store, ''), {
      [`p/even/${topic}-0-0.json`]: [`${topic} 0 0`, `${topic} 0 2`],
      [`p/new/${topic}-0-1.json`]: [`${topic} 0 1`, `${topic} 0 3`],
    });
    assert.match(String(await store.get(`p/even/${topic}-0-0.json`)), /"v":2/);
  });

  it('D9: what was merged is replaced whole; a stretch that it reaches over is refused before anything is written', async (t) => {
    const store = await scratch(t);
    const at = newPartition();
    const { topic } = at;
    await store.put(`p/even/${topic}-0-0_4.json`, Buffer.from('{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n'));
    const partition = await sinkOn(store, byParity).open(at);
    const stageAgain = async (from: number, to: number) => {
      const batch = partition.batch();
      for (const { offset, event } of batchOf(at, from, to).events) batch.add(offset, event);
      return batch.stage({ from, to, without: new Set(), replaces: [] }, undefined);
    };
    const before = await read(store, '');
    for (const [from, to] of [
      [0, 3],
      [2, 8],
    ] as const)
      await assert.rejects(stageAgain(from, to), (error) => isFault(error, 'REPLAY_IMPOSSIBLE'));
    assert.deepEqual(await read(store, ''), before);
    await (await stageAgain(0, 6)).commit();
    assert.deepEqual(await read(store, ''), {
      [`p/even/${topic}-0-0.json`]: [0, 2, 4].map((offset) => `${topic} 0 ${offset}`),
      [`p/odd/${topic}-0-1.json`]: [1, 3, 5].map((offset) => `${topic} 0 ${offset}`),
    });
  });

  it('D3: a redo after a crash within the commit finishes it', async (t) => {
    const store = await scratch(t);
    const at = newPartition();
    const whole = await sinkOn(store, byParity).open(at);
    const staged = await stage(whole, batchOf(at, 0, 4));
    await store.put(
      `p/even/${at.topic}-0-0.json`,
      Buffer.from(`${[0, 2].map((o) => JSON.stringify(batchOf(at, o, o + 1).events[0]?.event)).join('\n')}\n`),
    );
    await land(whole, batchOf(at, 0, 4), staged.plan);
    assert.equal(Object.values(await read(store, '')).flat().length, 4);
  });
});

it('D2: an event on which a function of the pipeline fails is refused, and blocks no other', async (t) => {
  const store = await scratch(t);
  const at = newPartition();
  const partition = await sinkOn(store, (event) => {
    if (event.id.endsWith('-1')) throw new TypeError('no such thing');
    return 'events';
  }).open(at);
  const batch = batchOf(at, 0, 3);
  const spoilt = batch.events.map(({ offset, event }) => ({ offset, event: { ...event, id: `e-${offset}` } }));
  const staged = await stage(partition, { ...batch, events: spoilt });
  assert.deepEqual(
    staged.rejected.map(({ offset, message }) => [offset, message]),
    [[1, 'the pipeline could not place this event: TypeError: no such thing']],
  );
  await staged.commit();
  assert.deepEqual(Object.values(await read(store, 'events')), [['e-0', 'e-2']]);
});
