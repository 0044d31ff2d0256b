/** Three brokers, of which one stands still while its connections stay, as behind a network that is cut off. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { type OwnBroker, ownCluster } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

/** Brokers give up what they have asked of another one after 30 s: until then a transaction in it does not end. */
const goesOnWithinMs = 60_000;

suite('one of three brokers that stands still', () => {
  let brokers: readonly OwnBroker[];
  let log: Log;
  before(async () => {
    brokers = await ownCluster(3);
    log = await openKafkaLog({ brokers: brokers.map(({ address }) => address), transactionalId: 'frozen' });
  });
  after(async () => {
    await Promise.all(brokers.map((broker) => broker.thaw()));
    await log.close();
    await Promise.all(brokers.map((broker) => broker.dispose()));
  });

  test('D1: packages are taken, and read, while it does', { timeout: 120_000 }, async (t) => {
    const topic = await topicOf(log, 3);
    await appendTexts(log, topic, ['a', 'b', 'c', 'd']);
    const first = brokers[0]!; // whom all ask first who do not know better
    await first.freeze();
    const startedMs = performance.now();
    const signal = AbortSignal.timeout(goesOnWithinMs);
    const texts = ['x', 'y', 'z', 'u', 'v', 'w'];
    for (let isStored = false; !isStored;) {
      signal.throwIfAborted();
      await log.room(signal);
      isStored = await appendTexts(log, topic, texts).then(
        () => true,
        () => false,
      );
    }
    const tookMs = Math.round(performance.now() - startedMs);
    t.diagnostic(`a package was taken after ${tookMs} ms`);
    let found: readonly string[] | undefined;
    while (found === undefined) {
      signal.throwIfAborted();
      found = await textsIn(log, topic, 3).catch((error: unknown) => {
        if (isFault(error, 'LOG_UNAVAILABLE')) return undefined; // once, by a request that the frozen broker does not answer
        throw error;
      });
    }
    for (const text of texts) assert.ok(found.includes(text), `${text} was acknowledged, and is lost`);
    t.diagnostic(`and read after ${Math.round(performance.now() - startedMs)} ms`);
    await first.thaw();
    await log.room(AbortSignal.timeout(60_000));
  });
});
