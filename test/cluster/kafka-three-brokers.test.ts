/** Three brokers, of which one is killed under load and comes back: each in turn, so that it once led, and once coordinated. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { type OwnBroker, ownCluster } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

const partitions = 6;

suite('three brokers', () => {
  let brokers: readonly OwnBroker[];
  let log: Log;
  before(async () => {
    brokers = await ownCluster(3);
    log = await openKafkaLog({ brokers: brokers.map(({ address }) => address), transactionalId: 'three' });
  });
  after(async () => {
    await log.close();
    await Promise.all(brokers.map((broker) => broker.dispose()));
  });

  test('D1, D3, D4: one killed after the other, they have what was acknowledged, once, in order, and nothing that was refused', async (t) => {
    const topic = await topicOf(log, partitions);
    const outcomes = new Map<string, string>();
    const ending = new AbortController();
    let longestGapMs = 0;
    let doneMs = performance.now();
    const produce = async (producer: number): Promise<void> => {
      for (let i = 0; !ending.signal.aborted; i += 1) {
        const texts = [0, 1, 2].map((n) => `${producer}/${i}/${n}`);
        const outcome = await appendTexts(log, topic, texts).then(
          () => 'done',
          (error: unknown) => (isFault(error) ? error.code : String(error)),
        );
        for (const text of texts) outcomes.set(text, outcome);
        if (outcome !== 'done') await log.room(AbortSignal.timeout(60_000));
        else {
          longestGapMs = Math.max(longestGapMs, performance.now() - doneMs);
          doneMs = performance.now();
        }
      }
    };
    const producers = Array.from({ length: 4 }, (_, producer) => produce(producer));
    const more = async (count: number): Promise<void> => {
      for (const seen = outcomes.size; outcomes.size < seen + count;)
        await new Promise((resolve) => setTimeout(resolve, 20));
    };
    for (const broker of brokers) {
      await more(100);
      await broker.kill();
      await more(100);
      await broker.start();
    }
    await more(100);
    ending.abort();
    await Promise.all(producers);
    const found = await textsIn(log, topic, partitions);
    const there = new Set(found);
    assert.equal(there.size, found.length, 'something is there twice');
    const counts: Record<string, number> = {};
    for (const [text, outcome] of outcomes) {
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      if (outcome === 'done') assert.ok(there.has(text), `${text} was acknowledged, and is lost`);
      if (outcome === 'BUSY') assert.ok(!there.has(text), `${text} was refused, and is there`);
    }
    t.diagnostic(`${JSON.stringify(counts)}, the longest gap ${Math.round(longestGapMs)} ms`);
  });
});
