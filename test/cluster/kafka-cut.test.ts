/** The connection is cut at each step of a transaction, before the broker has the request or before its answer, for a moment or for longer. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import type { Log } from '../../src/log/log.ts';
import { openLog, ownProxiedBroker, type ProxiedBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';
import type { Cut } from '../support/kafka-proxy.ts';

const steps: readonly Cut['at'][] = ['addPartitionsToTxn', 'produce', 'endTxn'];
const moments: readonly Cut['when'][] = ['before the broker has it', 'when the broker has answered'];
const shortMs = 50;
/** Longer than anybody waits. */
const longMs = 4_500;

suite('a connection that is cut', () => {
  let broker: ProxiedBroker;
  let log: Log;
  before(async () => {
    broker = await ownProxiedBroker();
    log = await openLog(broker.address);
  });
  after(async () => {
    await log.close();
    await broker.dispose();
  });

  async function appendThroughCut(cut: Cut, topic: string): Promise<string> {
    await appendTexts(log, topic, ['before']);
    const cutting = broker.proxy.cut(cut);
    const outcome = appendTexts(log, topic, ['one', 'two', 'three']).then(
      () => 'done',
      (error: unknown) => (isFault(error) ? error.code : String(error)),
    );
    await cutting;
    return outcome;
  }

  test('D5, D9: while it is in doubt whether something is stored, nobody is told where the end is', async () => {
    const topic = await topicOf(log);
    const at = { topic, partition: 0 };
    const opening = broker.proxy.hold('initProducerId');
    const when = 'when the broker has answered';
    assert.equal(await appendThroughCut({ at: 'endTxn', when, darkMs: longMs }, topic), 'LOG_FAILED');
    await opening.first;
    const told = log.range(at).then(() => 'told');
    const later = new Promise((resolve) => setTimeout(resolve, 500, 'not told'));
    assert.equal(await Promise.race([told, later]), 'not told');
    opening.release();
    assert.equal(await told, 'told');
    assert.deepEqual((await textsIn(log, topic)).toSorted(), ['before', 'one', 'three', 'two']);
  });

  for (const at of steps)
    for (const when of moments) {
      test(`D1, D3: for a moment, at ${at}, ${when}: it is stored, once`, async () => {
        const topic = await topicOf(log, 3);
        assert.equal(await appendThroughCut({ at, when, darkMs: shortMs }, topic), 'done');
        assert.deepEqual((await textsIn(log, topic, 3)).toSorted(), ['before', 'one', 'three', 'two']);
      });

      test(`D1, D6: for longer, at ${at}, ${when}: it is refused; it is stored in whole only where it was in doubt`, async () => {
        const topic = await topicOf(log, 3);
        const startedMs = performance.now();
        const outcome = await appendThroughCut({ at, when, darkMs: longMs }, topic);
        assert.ok(performance.now() - startedMs < 4_000);
        assert.equal(outcome, at === 'endTxn' ? 'LOG_FAILED' : 'BUSY');
        const isStored = at === 'endTxn' && when === 'when the broker has answered';
        const expected = isStored ? ['before', 'one', 'three', 'two'] : ['before'];
        // Whoever asks for the end waits until it is decided; nothing of it comes later.
        assert.deepEqual((await textsIn(log, topic, 3)).toSorted(), expected);
        await log.room(AbortSignal.timeout(30_000));
        await appendTexts(log, topic, ['zero']);
        assert.deepEqual((await textsIn(log, topic, 3)).toSorted(), [...expected, 'zero']);
      });
    }

  /** The coordinator knows whose raise of the epoch it was only until it is restarted. */
  for (const at of ['addPartitionsToTxn', 'produce'] as const)
    test(`D1, D6: cut at ${at}, then at the answer to our beginning again, and the broker killed: it goes on by itself`, async () => {
      const topic = await topicOf(log);
      const outcome = await appendThroughCut({ at, when: 'before the broker has it', darkMs: longMs }, topic);
      assert.equal(outcome, 'BUSY');
      await broker.proxy.cut({ at: 'initProducerId', when: 'when the broker has answered', darkMs: longMs });
      await restart();
      await log.room(AbortSignal.timeout(30_000));
      await appendTexts(log, topic, ['zero']);
      assert.deepEqual(await textsIn(log, topic), ['before', 'zero']);
    });

  test('D1, D6: cut at produce, and the broker killed while it ends the transaction: it goes on by itself', async () => {
    const topic = await topicOf(log);
    const first = broker.proxy.hold('initProducerId');
    const outcome = await appendThroughCut({ at: 'produce', when: 'before the broker has it', darkMs: longMs }, topic);
    assert.equal(outcome, 'BUSY');
    await first.first;
    const second = broker.proxy.hold('initProducerId');
    first.release();
    await second.first; // the first was answered that the transaction before has to end
    await restart();
    second.release();
    await log.room(AbortSignal.timeout(30_000));
    await appendTexts(log, topic, ['zero']);
    assert.deepEqual(await textsIn(log, topic), ['before', 'zero']);
  });

  async function restart(): Promise<void> {
    await broker.kill();
    await broker.start();
  }
});
