/** Group commit beside a coordinator of a group that does not answer. The producer is not the real one: no broker stands still so exactly. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { isFault } from '../../../src/errors.ts';
import { GroupCommit, type GroupProducer } from '../../../src/log/kafka/group-commit.ts';
import { KafkaBatch, Turns } from '../../../src/log/kafka/kafka-batch.ts';
import { NotCommitted } from '../../../src/log/kafka/transactional-producer.ts';
import type { PartitionOwner } from '../../../src/log/log.ts';

const at = { topic: 't', partition: 0 };
const coordinator = { host: '127.0.0.1', port: 1 };
const member = {
  term: () => 1,
  claim: () => ({ groupId: 'g', generation: 1, memberId: 'm', coordinator }),
  landed: () => undefined,
  leave: () => Promise.resolve(),
};
const owner: PartitionOwner = { member, at, term: 1, landedTo: 0 };

/** Where a partition's owner is to be proved, it waits for an answer until the deadline. */
const producer: GroupProducer = {
  open: () => Promise.resolve(),
  transact: async (_parts, claims, deadlineMs) => {
    if (claims.length === 0) return new Map();
    await sleep(deadlineMs - performance.now());
    throw new NotCommitted('nothing was stored', { cause: new Error('the coordinator of the group does not answer') });
  },
};

function batch(): KafkaBatch {
  const made = new KafkaBatch(() => 1, new Turns());
  made.add({ topic: 't', key: null, value: Buffer.from('x'), headers: [] });
  return made;
}

suite('group commit', () => {
  test('D6: packages are taken while the coordinator of a consumer group does not answer', async () => {
    const commits = new GroupCommit({
      producer,
      maxQueueBytes: 1 << 20,
      patienceMs: 3_000,
      onFlushed: undefined,
      onCommitted: () => undefined,
      onFailed: () => undefined,
    });
    const letters = Array.from({ length: 3 }, () => commits.append(batch(), { owner }));
    const refused = Promise.all(letters.map((letter) => assert.rejects(letter, (error) => isFault(error, 'BUSY'))));
    const over = new AbortController();
    refused.then(
      () => over.abort(),
      () => over.abort(),
    );
    let longestMs = 0;
    while (!over.signal.aborted) {
      const startedMs = performance.now();
      await commits.append(batch(), {});
      longestMs = Math.max(longestMs, performance.now() - startedMs);
      await sleep(10);
    }
    await refused;
    assert.ok(longestMs < 2_500, `a package waited for ${Math.round(longestMs)} ms`);
    await commits.close();
  });
});
