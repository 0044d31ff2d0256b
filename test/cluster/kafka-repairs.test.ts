/** Dead letters that several nodes on one Kafka repair at the same time. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRepair, repairRecord, repairsTopic, standingReplay } from '../../src/dead-letters/repair.ts';
import { Repairs } from '../../src/dead-letters/repairs.ts';
import { isFault } from '../../src/errors.ts';
import type { Log } from '../../src/log/log.ts';
import { readPages } from '../../src/log/read-pages.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { scratch } from '../support/program.ts';

const at = { topic: repairsTopic.name, partition: 0 };

interface Node {
  readonly log: Log;
  readonly repairs: Repairs;
}

async function openNode(t: TestContext): Promise<Node> {
  const log = await openLog(sharedBroker);
  await log.ensureTopics([repairsTopic]);
  const state = await openLmdbStore({ dir: join(await scratch(t), 'state') });
  const repairs = await Repairs.open({ log, state, onError: (error) => t.diagnostic(String(error)) });
  t.after(async () => {
    await repairs.close();
    await log.close();
    await state.close();
  });
  return { log, repairs };
}

/** As `replayLetters` does it, with an id of its own for each event, so that it shows where there are two. */
async function replay({ log, repairs }: Node, letterId: string): Promise<'replayed' | 'already replayed'> {
  return repairs.change(async (append) => {
    if (standingReplay(await repairs.status(letterId))) return 'already replayed';
    const batch = log.batch();
    batch.add(repairRecord(letterId, { kind: 'replay', as: randomUUID() }));
    await append(batch);
    return 'replayed';
  });
}

async function untilDone(node: Node, letterId: string): Promise<string> {
  for (;;) {
    try {
      return await replay(node, letterId);
    } catch (error) {
      if (!isFault(error, 'BUSY')) throw error;
      await sleep(Math.random() * 50);
    }
  }
}

suite('repairs by several nodes', () => {
  test('D9: of replays of one letter on several nodes at once one counts, and every node is told so', async (t) => {
    const nodes = [await openNode(t), await openNode(t), await openNode(t)];
    const [{ log }] = nodes as [Node];
    const { end: from } = await log.range(at);
    const letters = Array.from({ length: 15 }, () => randomUUID());
    for (const letter of letters) {
      const outcomes = await Promise.all(nodes.map((node) => untilDone(node, letter)));
      assert.deepEqual(outcomes.toSorted(), ['already replayed', 'already replayed', 'replayed']);
    }
    const { end } = await log.range(at);
    const replays: string[] = [];
    for await (const { records } of readPages(log, at, { start: from, end }, 1 << 20))
      for (const record of records) if (readRepair(record)?.kind === 'replay') replays.push(String(record.key));
    assert.deepEqual(replays.filter((key) => letters.some((id) => id === key)).toSorted(), letters.toSorted());
  });

  test('D9: what a node decided before another one took over is not stored', async (t) => {
    const [first, second] = [await openNode(t), await openNode(t)];
    const letter = randomUUID();
    const overtaken = first.repairs.change(async (append) => {
      const batch = first.log.batch();
      batch.add(repairRecord(letter, { kind: 'replay', as: 'overtaken' }));
      assert.equal(await replay(second, letter), 'replayed');
      await append(batch);
    });
    await assert.rejects(overtaken, (error) => isFault(error, 'BUSY'));
    assert.equal(await untilDone(first, letter), 'already replayed');
    await first.repairs.refresh();
    const status = await first.repairs.status(letter);
    assert.equal(status?.replays.length, 1);
    assert.notEqual(status.replays[0]?.as, 'overtaken');
  });
});
