/** A broker that is killed, frozen or full of others, and what becomes of what is appended meanwhile. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import type { Log } from '../../src/log/log.ts';
import { openLog, type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';

/** A producer's own patience is 5 s; the log's part of it is below 4 (D6). */
const patienceMs = 4_000;
const codeOf = (error: unknown): string => (isFault(error) ? error.code : String(error));
const fault = (code: string) => (error: unknown) => isFault(error) && error.code === code;
const inTime = async (work: Promise<unknown>): Promise<string> => {
  const startedMs = performance.now();
  const outcome = await work.then(() => 'done', codeOf);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < patienceMs, `${outcome} after ${Math.round(tookMs)} ms`);
  return outcome;
};

/** A broker that has just come back may show late what is committed, and the log says so until then. */
async function textsOnceShown(log: Log, topic: string): Promise<readonly string[]> {
  for (;;) {
    try {
      return await textsIn(log, topic, 3);
    } catch (error) {
      if (!isFault(error, 'LOG_UNAVAILABLE')) throw error;
    }
  }
}

/** More than any transaction may last. */
const shownWithinMs = 40_000;

suite('a broker that fails', () => {
  let broker: OwnBroker;
  let log: Log;
  before(async () => {
    broker = await ownBroker();
    log = await openLog(broker.address);
  });
  after(async () => {
    await log.close();
    await broker.dispose();
  });

  test('D1, D6: while it is down all is refused in time, and stored nowhere; then it goes on by itself', async () => {
    const topic = await topicOf(log);
    await appendTexts(log, topic, ['before']);
    await broker.kill();
    assert.equal(await inTime(appendTexts(log, topic, ['while it is down'])), 'BUSY');
    assert.equal(await inTime(log.room(AbortSignal.timeout(200))), 'BUSY');
    await assert.rejects(log.range({ topic, partition: 0 }), fault('LOG_UNAVAILABLE'));
    const waiting = log.room(AbortSignal.timeout(60_000));
    await broker.start();
    await waiting;
    await appendTexts(log, topic, ['after']);
    assert.deepEqual(await textsIn(log, topic), ['before', 'after']);
  });

  test('D1, D6: while it is frozen all is refused in time; what is not in doubt is stored nowhere', async () => {
    const topic = await topicOf(log);
    await broker.freeze();
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => [`${i}`, await inTime(appendTexts(log, topic, [`${i}`]))] as const),
    );
    await broker.thaw();
    await log.room(AbortSignal.timeout(60_000));
    await appendTexts(log, topic, ['after']);
    const found = await textsIn(log, topic);
    assert.equal(found.at(-1), 'after');
    for (const [text, outcome] of outcomes) {
      assert.ok(outcome === 'BUSY' || outcome === 'LOG_FAILED', outcome);
      if (outcome === 'BUSY') assert.ok(!found.includes(text), `${text} was refused, and is there`);
    }
    assert.equal(new Set(found).size, found.length);
  });

  test('D1, D3: killed and started again under load, it has what was acknowledged, once, and nothing that was refused', async (t) => {
    const own = await openLog(broker.address);
    t.after(() => own.close());
    const topic = await topicOf(own, 3);
    const outcomes = new Map<string, string>();
    const ending = new AbortController();
    const produce = async (producer: number): Promise<void> => {
      for (let i = 0; !ending.signal.aborted; i += 1) {
        const texts = [0, 1, 2].map((n) => `${producer}/${i}/${n}`);
        const outcome = await inTime(appendTexts(own, topic, texts));
        for (const text of texts) outcomes.set(text, outcome);
        if (outcome !== 'done') await own.room(AbortSignal.timeout(60_000));
      }
    };
    const producers = Array.from({ length: 8 }, (_, producer) => produce(producer));
    for (let kill = 0; kill < 3; kill += 1) {
      const seen = outcomes.size;
      while (outcomes.size < seen + 300) await new Promise((resolve) => setTimeout(resolve, 20));
      await broker.kill();
      await broker.start();
    }
    ending.abort();
    await Promise.all(producers);
    const found = await Promise.race([textsOnceShown(own, topic), sleep(shownWithinMs, undefined, { ref: false })]);
    if (found === undefined) {
      await appendTexts(own, topic, ['next']); // under the same id: all before it is decided, whatever readers see
      return t.skip('the broker was killed within a commit and has forgotten a marker (docs/decisions/kafka-log.md)');
    }
    const there = new Set(found);
    assert.equal(there.size, found.length, 'something is there twice');
    const counts: Record<string, number> = {};
    for (const [text, outcome] of outcomes) {
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      if (outcome === 'done') assert.ok(there.has(text), `${text} was acknowledged, and is lost`);
      if (outcome === 'BUSY') assert.ok(!there.has(text), `${text} was refused, and is there`);
      for (const n of [0, 1, 2])
        assert.equal(there.has(text), there.has(text.replace(/\d$/, `${n}`)), `${text}: a package is there in part`);
    }
    t.diagnostic(JSON.stringify(counts));
  });

  test('D3: of two processes under one id the newer one writes, and the older one is told', async () => {
    const transactionalId = `fenced-${randomUUID()}`;
    const older = await openLog(broker.address, { transactionalId });
    const topic = await topicOf(older);
    await appendTexts(older, topic, ['older']);
    const newer = await openLog(broker.address, { transactionalId });
    try {
      await newer.ensureTopics([{ name: topic, partitions: 1 }]);
      await appendTexts(newer, topic, ['newer']);
      assert.equal(await inTime(appendTexts(older, topic, ['too late'])), 'LOG_FAILED');
      await assert.rejects(older.room(AbortSignal.timeout(100)), fault('LOG_FAILED'));
      await appendTexts(newer, topic, ['newer still']);
      assert.deepEqual(await textsIn(newer, topic), ['older', 'newer', 'newer still']);
    } finally {
      await older.close();
      await newer.close();
    }
  });

  test('D1: a record that is too large is refused, and the packages beside it are not', async () => {
    const topic = await topicOf(log);
    const batch = log.batch();
    batch.add({ topic, key: null, value: Buffer.alloc(45 << 20), headers: [] });
    const outcomes = await Promise.all([
      appendTexts(log, topic, ['beside']).then(() => 'done', codeOf),
      log.append(batch).then(() => 'done', codeOf),
      appendTexts(log, topic, ['beside, too']).then(() => 'done', codeOf),
    ]);
    assert.deepEqual(outcomes, ['done', 'PACKAGE_TOO_LARGE', 'done']);
    assert.deepEqual((await textsIn(log, topic)).toSorted(), ['beside', 'beside, too']);
  });
});
