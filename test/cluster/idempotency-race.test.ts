/** Two processes on one Kafka that take packages under the same keys: each key's events land once, and all get the first answer (D5). */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, suite, test } from 'node:test';
import type { Answer } from '../../src/ingest/answer.ts';
import { openRedisStore } from '../../src/stores/state/redis-store.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { idsOf, landing, openRacer, type Racer } from '../support/key-racer.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { scratch } from '../support/program.ts';
import { type OwnRedis, ownRedis } from '../support/redis-server.ts';
import { untilAnswered } from '../support/until-answered.ts';

suite('idempotency keys on two nodes', () => {
  let broker: OwnBroker;
  let redis: OwnRedis;
  let nodes: Racer[];
  let round = 0;
  before(async () => {
    [broker, redis] = await Promise.all([ownBroker(), ownRedis()]);
  });
  after(() => Promise.all([broker.dispose(), redis.dispose()]));
  beforeEach(async () => {
    nodes = [await open(), await open()];
    round += 1;
  });
  afterEach(() => Promise.all(nodes.map((node) => node.close())));

  const open = async (): Promise<Racer> => openRacer(broker.address, await openRedisStore({ url: redis.url }));

  /** Every key that was answered lands as its answer says, for every node, and for one that makes the view anew. */
  async function checkAnswers(
    t: { after(fn: () => Promise<void>): void },
    answers: ReadonlyMap<string, Answer>,
  ): Promise<void> {
    const fresh = await openRacer(broker.address, await openLmdbStore({ dir: await scratch(t), minFreeBytes: 0 }));
    try {
      for (const node of [...nodes, fresh]) {
        const landed = await landing(node);
        for (const [key, answer] of answers) assert.deepEqual(landed.get(key), idsOf(answer), key);
        for (const [key, ids] of landed) assert.equal(ids.length, 3, `${key} has landed ${ids.length} events`);
      }
    } finally {
      await fresh.close();
    }
  }

  test('D5: of packages that race under one key one lands, and all are answered alike', async (t) => {
    const answers = new Map<string, Answer>();
    for (let i = 0; i < 60; i++) {
      const keys = Array.from({ length: 1 + (i % 5) }, (_, k) => `race ${round} ${i} ${k}`);
      const sent = await Promise.all(
        keys.flatMap((key) => nodes.map(async (node) => ({ key, answer: await node.send(key) }))),
      );
      for (const { key, answer } of sent) {
        assert.deepEqual(answer, answers.get(key) ?? answer, key);
        answers.set(key, answer);
      }
    }
    const stored = nodes.reduce((sum, node) => sum + node.stored(), 0);
    assert.ok(stored > answers.size, 'nothing has raced');
    t.diagnostic(`${answers.size} keys, ${stored} packages stored`);
    for (const [key, answer] of answers) for (const node of nodes) assert.deepEqual(await node.send(key), answer);
    assert.equal(
      nodes.reduce((sum, node) => sum + node.stored(), 0),
      stored,
      'stored again',
    );
    assert.deepEqual(
      nodes.flatMap(({ errors }) => errors),
      [],
    );
    await checkAnswers(t, answers);
  });

  test('D5: so it is where Redis loses what it had last, or everything, in between', async (t) => {
    const answers = new Map<string, Answer>();
    const sendAll = async (keys: readonly string[]): Promise<void> => {
      const sent = keys.flatMap((key) =>
        nodes.map(async (node) => ({ key, answer: await untilAnswered(() => node.send(key)) })),
      );
      for (const { key, answer } of await Promise.all(sent)) {
        assert.deepEqual(answer, answers.get(key) ?? answer, key);
        answers.set(key, answer);
      }
    };
    await sendAll(manyKeys('lossy before'));
    await redis.save();
    await sendAll(manyKeys('lossy lost'));
    const running = sendAll(manyKeys('lossy meanwhile'));
    await redis.kill();
    await redis.goBack();
    await redis.start();
    await running;
    await sendAll([...manyKeys('lossy before'), ...manyKeys('lossy lost'), ...manyKeys('lossy meanwhile')]);
    const again = sendAll(manyKeys('lossy emptied'));
    await redis.command('FLUSHALL');
    await again;
    await sendAll([
      ...manyKeys('lossy before'),
      ...manyKeys('lossy lost'),
      ...manyKeys('lossy meanwhile'),
      ...manyKeys('lossy emptied'),
    ]);
    await checkAnswers(t, answers);
  });
});

function manyKeys(name: string): readonly string[] {
  return Array.from({ length: 20 }, (_, k) => `${name} ${k}`);
}
