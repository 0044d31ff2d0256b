import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { parseTopicList, readTopicList } from '../../src/log/topic-list.ts';

test('topics are listed with colons or commas, and comments are left out', () => {
  const list =
    '\uFEFF# all topics\r\n\r\nevents.raw:3:1\r\n  events.dead.letter , 1 , 2   # as received\n\t\na_b-C,12:3#x';
  assert.deepEqual(parseTopicList(list, 'topics'), [
    { name: 'events.raw', partitions: 3, replicas: 1 },
    { name: 'events.dead.letter', partitions: 1, replicas: 2 },
    { name: 'a_b-C', partitions: 12, replicas: 3 },
  ]);
  assert.deepEqual(parseTopicList('', 'topics'), []);
});

const wrong: readonly (readonly [entry: string, problem: RegExp])[] = [
  ['events', /expected name:partitions:replicas, got "events"/],
  ['events:3', /expected name:partitions:replicas/],
  ['events:3:1:9', /expected name:partitions:replicas/],
  ['events 3 1', /expected name:partitions:replicas/],
  [':3:1', /expected a topic name .*, got ""/],
  ['..:3:1', /expected a topic name/],
  ['a/b:3:1', /expected a topic name/],
  ['events:0:1', /partitions of events: expected an integer from 1 to 2147483647, got "0"/],
  ['events:-3:1', /partitions of events/],
  ['events:3.5:1', /partitions of events/],
  ['events:1e3:1', /partitions of events/],
  ['events:three:1', /partitions of events/],
  ['events:3:0', /replicas of events/],
  ['events:3:40000', /replicas of events: expected an integer from 1 to 32767/],
  ['first,1,1', /the topic first is listed twice/],
];

for (const [entry, problem] of wrong) {
  test(`an entry that is wrong is said with its line: ${entry}`, () => {
    assert.throws(
      () => parseTopicList(`# topics\nfirst:1:1\n\n${entry}\n`, 'topics/main-topics'),
      (error) =>
        isFault(error, 'CONFIG_INVALID') &&
        error.message.startsWith('topics/main-topics:4: ') &&
        problem.test(error.message),
    );
  });
}

test('a list is read from its file; one that is not there is a fault that names it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-topics-'));
  try {
    const file = join(dir, 'topics');
    await writeFile(file, 'events:1:1\n');
    assert.deepEqual(await readTopicList(file), [{ name: 'events', partitions: 1, replicas: 1 }]);
    await assert.rejects(
      readTopicList(`${file}-none`),
      (error) => isFault(error, 'CONFIG_INVALID') && error.message.includes('topics-none'),
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
