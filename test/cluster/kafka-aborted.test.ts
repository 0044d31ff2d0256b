/** What was aborted is never read, and what is not decided yet hides what stands behind it. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Log } from '../../src/log/log.ts';
import { ForeignProducer } from '../support/foreign-producer.ts';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

suite('aborted transactions', () => {
  let log: Log;
  const producers = [0, 1, 2].map(() => new ForeignProducer(sharedBroker));
  before(async () => {
    log = await openLog(sharedBroker);
  });
  after(async () => {
    for (const producer of producers) await producer.close();
    await log.close();
  });

  test('D1: one producer that aborts again and again shows nothing of it', async () => {
    const topic = await topicOf(log);
    const [producer] = producers;
    for (let i = 0; i < 30; i += 1) {
      await producer!.send(topic, 0, [`aborted ${i}`, `aborted ${i} too`]);
      await producer!.end('abort');
    }
    await producer!.send(topic, 0, ['kept']);
    await producer!.end('commit');
    assert.deepEqual(await textsIn(log, topic), ['kept']);
    assert.deepEqual(await textsIn(log, topic, 1, 1), ['kept']);
  });

  test('D1: what stands behind an open transaction is not read before that is decided', async () => {
    const topic = await topicOf(log);
    const [first, second] = producers;
    await first!.send(topic, 0, ['open']);
    await second!.send(topic, 0, ['behind']);
    await second!.end('commit');
    const at = { topic, partition: 0 };
    assert.deepEqual(await log.range(at), { start: 0, end: 0 });
    assert.deepEqual(await log.read(at, 0, { maxBytes: 1 << 20 }), { records: [], next: 0 });
    const waiting = log.waitPast(at, 0, AbortSignal.timeout(30_000));
    await first!.end('abort');
    await waiting;
    assert.deepEqual(await textsIn(log, topic), ['behind']);
  });

  test('D1, D4: whatever several producers commit and abort, in whatever order, just what was committed is read', async () => {
    const step = fc.record({
      producer: fc.nat(2),
      partition: fc.nat(1),
      does: fc.constantFrom('send', 'send', 'send', 'commit', 'abort', 'abort', 'append'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const topic = await topicOf(log, 2);
        const open = producers.map((): string[] => []);
        const committed: string[] = [];
        const end = async (producer: number, how: 'commit' | 'abort'): Promise<void> => {
          await producers[producer]!.end(how);
          if (how === 'commit') committed.push(...open[producer]!);
          open[producer] = [];
        };
        for (const [index, { producer, partition, does }] of steps.entries()) {
          const value = `${partition}/${producer}/${index}`;
          if (does === 'send') {
            await producers[producer]!.send(topic, partition, [value]);
            open[producer]!.push(value);
          } else if (does === 'append') {
            await appendTexts(log, topic, [value]);
            committed.push(value);
          } else await end(producer, does);
        }
        for (const [producer] of producers.entries()) await end(producer, 'abort');
        for (const maxBytes of [1, 1 << 20]) {
          const found = await textsIn(log, topic, 2, maxBytes);
          assert.deepEqual(found.toSorted(), committed.toSorted());
        }
      }),
      { numRuns: 25 },
    );
  });
});
