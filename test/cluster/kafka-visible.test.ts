/** A commit is answered before brokers show it; who has appended reads it all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

test('D1: what was appended is read at once, by offsets from the range and without one', async (t) => {
  const log = await openLog(sharedBroker);
  t.after(() => log.close());
  const topic = await topicOf(log, 5);
  const appended: string[] = [];
  const ends = [0, 0, 0, 0, 0];
  for (let i = 0; i < 150; i += 1) {
    const texts = Array.from({ length: 10 }, (_, n) => `${i}/${n}`);
    await appendTexts(log, topic, texts);
    appended.push(...texts);
    if (i % 2 === 0) {
      assert.deepEqual((await textsIn(log, topic, 5)).toSorted(), appended.toSorted());
      for (const partition of ends.keys()) ends[partition] = (await log.range({ topic, partition })).end;
      continue;
    }
    const found: string[] = [];
    for (const [partition, end] of ends.entries()) {
      const page = await log.read({ topic, partition }, end, { maxBytes: 1 << 20 });
      found.push(...page.records.map(({ value }) => value.toString()));
    }
    assert.deepEqual(found.toSorted(), texts.toSorted());
  }
});
