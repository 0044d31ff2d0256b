/** Consumer groups: who has which partition, as processes come, go, die and stand still. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite, test, type TestContext } from 'node:test';
import { offsetFetchV8 } from '@platformatic/kafka';
import { type Fault, isFault } from '../../src/errors.ts';
import { Cluster } from '../../src/log/kafka/cluster.ts';
import type { Log, Member, PartitionOwner } from '../../src/log/log.ts';
import { groupTimes, openLog, ownBroker, sharedBroker } from '../support/kafka-broker.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('../support/kafka-member.ts', import.meta.url));

interface Joined {
  readonly member: Member;
  /** As told, one after the other. */
  readonly told: string[];
  readonly failures: unknown[];
}

async function join(log: Log, consumer: string, topic: string, state = 'shared'): Promise<Joined> {
  const told: string[] = [];
  const failures: unknown[] = [];
  const member = await log.join({
    consumer,
    topic,
    stateId: async () => state,
    onAssigned: (partitions) => told.push(partitions.map(({ partition }) => partition).join(' ')),
    onError: (error) => failures.push(error),
  });
  return { member, told, failures };
}

async function newGroup(t: TestContext, partitions: number, broker = sharedBroker) {
  const [consumer, topic] = [`group-${randomUUID()}`, `t-${randomUUID()}`];
  const open = async (): Promise<Log> => {
    const log = await openLog(broker, { groups: groupTimes });
    t.after(() => log.close());
    return log;
  };
  const log = await open();
  await log.ensureTopics([{ name: topic, partitions }]);
  return { consumer, topic, log, open };
}

/** A member in a process of its own. */
function startMember(t: TestContext, consumer: string, topic: string): { child: ChildProcess; told: string[] } {
  const args = [program, String(sharedBroker.port), consumer, topic, 'shared'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const told: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => told.push(line));
  return { child, told };
}

suite('consumer groups', { concurrency: 4 }, () => {
  test('D3: a second one takes its share within one rebalance; what it leaves goes back', async (t) => {
    const { consumer, topic, log, open } = await newGroup(t, 4);
    const first = await join(log, consumer, topic);
    await until(() => first.told.at(-1) === '0 1 2 3');
    const second = await join(await open(), consumer, topic);
    await until(() => second.told.length > 0 && first.told.length > 1);
    assert.deepEqual([first.told, second.told], [['0 1 2 3', '0 1'], ['2 3']]);
    await second.member.leave();
    await until(() => first.told.at(-1) === '0 1 2 3');
    assert.equal(first.told.length, 3);
    await first.member.leave();
    assert.deepEqual([first.failures, second.failures], [[], []]);
  });

  test('D3: what a killed process had goes to the others', async (t) => {
    const { consumer, topic, log } = await newGroup(t, 3);
    const { child, told } = startMember(t, consumer, topic);
    await until(() => told.at(-1) === '0 1 2');
    const other = await join(log, consumer, topic);
    await until(() => other.told.at(-1) === '2');
    child.kill('SIGKILL');
    await until(() => other.told.at(-1) === '0 1 2');
    await other.member.leave();
  });

  test('D3: one that stands still loses its share, keeps believing in it, and takes one again when it goes on', async (t) => {
    const { consumer, topic, log } = await newGroup(t, 2);
    const { child, told } = startMember(t, consumer, topic);
    await until(() => told.at(-1) === '0 1');
    child.kill('SIGSTOP');
    const other = await join(log, consumer, topic);
    await until(() => other.told.at(-1) === '0 1');
    assert.deepEqual(told, ['0 1']);
    child.kill('SIGCONT');
    await until(() => told.length > 1 && other.told.at(-1)?.length === 1);
    assert.deepEqual([told.at(-1)!, other.told.at(-1)!].toSorted(), ['0', '1']);
    await other.member.leave();
  });

  test('D3: who keeps checkpoints elsewhere is told, and gets nothing', async (t) => {
    const { consumer, topic, log, open } = await newGroup(t, 2);
    const first = await join(log, consumer, topic);
    await until(() => first.told.length > 0);
    const other = await join(await open(), consumer, topic, 'elsewhere');
    await until(() => other.failures.length > 0 && other.told.length > 0);
    assert.deepEqual([first.told.at(-1), other.told], ['0 1', ['']]);
    assert.ok(isFault(other.failures[0], 'STATE_NOT_SHARED'));
    await first.member.leave();
    await until(() => other.told.at(-1) === '0 1');
    await other.member.leave();
  });

  test('partitions that are added are shared out', async (t) => {
    const { consumer, topic, log } = await newGroup(t, 1);
    const { told, member } = await join(log, consumer, topic);
    await until(() => told.at(-1) === '0');
    await log.ensureTopics([{ name: topic, partitions: 3 }]);
    await until(() => told.at(-1) === '0 1 2');
    await member.leave();
  });

  test('a broker that is restarted takes nothing away', async (t) => {
    const broker = await ownBroker();
    t.after(() => broker.dispose());
    const { consumer, topic, log, open } = await newGroup(t, 2, broker.address);
    const { told, member } = await join(log, consumer, topic);
    await until(() => told.at(-1) === '0 1');
    await broker.kill();
    await broker.start();
    const second = await join(await open(), consumer, topic);
    await until(() => second.told.at(-1) === '1' && told.at(-1) === '0');
    assert.deepEqual(new Set(told), new Set(['0 1', '0']));
    await second.member.leave();
    await until(() => told.at(-1) === '0 1');
    await member.leave();
  });

  test('D2, D3: who has lost a partition appends nothing as its owner, whether it knows or not, and others lose nothing by it', async (t) => {
    const { consumer, topic, log, open } = await newGroup(t, 2);
    const letters = `t-${randomUUID()}`;
    await log.ensureTopics([{ name: letters, partitions: 1 }]);
    const silent = await openLog(sharedBroker, { groups: { ...groupTimes, heartbeatMs: 60_000 } });
    t.after(() => silent.close());
    const append = (to: Log, value: string, owner?: PartitionOwner): Promise<void> => {
      const batch = to.batch();
      batch.add({ topic: letters, key: null, value: Buffer.from(value), headers: [] });
      return to.append(batch, { owner });
    };
    const first = await join(silent, consumer, topic);
    await until(() => first.told.at(-1) === '0 1');
    const owner = (member: Member, partition: number): PartitionOwner => {
      const at = { topic, partition };
      return { member, at, term: member.term(at), landedTo: 5 };
    };
    await append(silent, 'as owner', owner(first.member, 1));
    const second = await join(await open(), consumer, topic);
    await until(() => second.told.at(-1) === '0 1');
    const outcomes = await Promise.allSettled([
      append(silent, 'before'),
      append(silent, 'stale', owner(first.member, 1)),
      append(silent, 'after'),
      append(log, 'now', owner(second.member, 1)),
      append(log, 'not its own', owner(second.member, 7)),
    ]);
    const codes = outcomes.map((each) => (each.status === 'rejected' ? (each.reason as Fault).code : 'stored'));
    assert.deepEqual(codes, ['stored', 'CHECKPOINT_STALE', 'stored', 'stored', 'CHECKPOINT_STALE']);
    const { records } = await log.read({ topic: letters, partition: 0 }, 0, { maxBytes: 1 << 20 });
    const values = records.map(({ value }) => value.toString());
    assert.deepEqual(values.toSorted(), ['after', 'as owner', 'before', 'now'], values.join(', '));
    await Promise.all([first.member.leave(), second.member.leave()]);
  });

  test('D2: what was decided before another one had the partition is not appended when it is back', async (t) => {
    const { consumer, topic, log, open } = await newGroup(t, 2);
    const letters = `t-${randomUUID()}`;
    await log.ensureTopics([{ name: letters, partitions: 1 }]);
    const { member, told } = await join(log, consumer, topic);
    await until(() => told.at(-1) === '0 1');
    const places = [0, 1].map((partition) => ({ topic, partition }));
    const before = places.map((at) => member.term(at));
    const another = await join(await open(), consumer, topic);
    await until(() => another.told.length > 0 && told.length > 1);
    await another.member.leave();
    await until(() => told.at(-1) === '0 1');
    const append = (partition: number, term: number | undefined): Promise<string> => {
      const batch = log.batch();
      batch.add({ topic: letters, key: null, value: Buffer.from('letter'), headers: [] });
      const owner = { member, at: { topic, partition }, term, landedTo: 0 };
      return log.append(batch, { owner }).then(
        () => 'stored',
        (error: Fault) => error.code,
      );
    };
    const [kept, given] = another.told[0] === '0' ? [1, 0] : [0, 1];
    assert.equal(await append(kept, before[kept]), 'stored');
    assert.equal(await append(given, before[given]), 'CHECKPOINT_STALE');
    assert.equal(await append(given, member.term({ topic, partition: given })), 'stored');
    await member.leave();
  });

  test('D2: who was left out for a while knows that others may have had what it has', async (t) => {
    const { consumer, topic, open } = await newGroup(t, 2);
    const silent = await openLog(sharedBroker, { groups: { ...groupTimes, heartbeatMs: 8_000 } });
    t.after(() => silent.close());
    const { member, told } = await join(silent, consumer, topic);
    await until(() => told.at(-1) === '0 1');
    const before = [0, 1].map((partition) => member.term({ topic, partition }));
    const another = await join(await open(), consumer, topic);
    await until(() => another.told.at(-1) === '0 1');
    await until(() => told.length > 1);
    const partition = Number(told.at(-1));
    assert.notEqual(member.term({ topic, partition }), before[partition]);
    assert.notEqual(member.term({ topic, partition }), undefined);
    await Promise.all([member.leave(), another.member.leave()]);
  });

  test('who looks from outside sees how far the group has come', async (t) => {
    const { consumer, topic, log } = await newGroup(t, 2);
    const { told, member } = await join(log, consumer, topic);
    await until(() => told.at(-1) === '0 1');
    member.landed({ topic, partition: 0 }, 17);
    member.landed({ topic, partition: 1 }, 4);
    member.landed({ topic, partition: 0 }, 18);
    await member.leave();
    const settings = { connectTimeoutMs: 3_000, requestTimeoutMs: 5_000, security: {} };
    const cluster = new Cluster({ brokers: [sharedBroker], ...settings });
    t.after(() => cluster.close());
    const groups = [
      { groupId: `tributary.${consumer}`, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [0, 1] }] },
    ];
    const answer = await offsetFetchV8.api.async(await cluster.any(), groups, false);
    const partitions = answer.groups[0]?.topics[0]?.partitions ?? [];
    assert.deepEqual(
      partitions.map(({ committedOffset }) => Number(committedOffset)),
      [18, 4],
    );
  });
});
