/**
 * Each fault of the crash proof alone: what was acknowledged lands once, and everything goes on by itself. Servers that are away for a minute
 * are waited for beside the other faults, on servers and nodes of their own.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { app } from '../../apps/collect/collect.ts';
import { faults } from '../../src/prove/cluster/faults.ts';
import { partNames } from '../../src/prove/cluster/parts.ts';
import type { PlannedFault } from '../../src/prove/cluster/plan.ts';
import { nodeCount } from '../../src/prove/cluster/prove-cluster.ts';
import { Trial } from '../../src/prove/cluster/trial.ts';
import type { Senders } from '../../src/prove/subject.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { connectionPool } from '../../src/stores/warehouse/connection-pool.ts';
import { cleanEnvironment } from '../support/program.ts';
import { useS3Credentials } from '../support/s3-server.ts';

const aMinute = partNames.map((part) => `${part} killed`);
const seconds = Object.keys(faults).filter((kind) => !aMinute.includes(kind));

suite('each fault of the crash proof alone', { concurrency: 2, timeout: 1_800_000 }, () => {
  before(useS3Credentials);

  suite('for a minute', { concurrency: false }, () => {
    const running = runningTrial();
    for (const kind of aMinute) {
      test(`D1, D2, D3, D5: ${kind}, and back after a minute`, (t) =>
        landsOnce(t, running(), { kind, awayMs: 60_000 }));
    }
  });

  suite('for seconds', { concurrency: false }, () => {
    const running = runningTrial();
    for (const kind of seconds)
      test(`D1, D2, D3, D5: ${kind}`, (t) => landsOnce(t, running(), { kind, awayMs: 3_000 }));

    test('D1, D3, D8: nodes restarted in turn behind a balancer refuse no request, and cut none short', async (t) => {
      const { nodes } = running();
      const load = await loaded(running());
      for (const node of nodes) {
        load.target(undefined, node.name); // as a balancer does; those under way are answered
        assert.equal(await node.drain(30_000), 0);
        await node.start();
      }
      await running().acknowledging();
      await landed(t, running());
      const { TimeoutError: _slow, ...others } = load.unanswered;
      assert.deepEqual(others, {});
    });

    test('what is taken away or doubled on the servers is told (D2, D3)', async (t) => {
      const { config } = running();
      const { pool, close } = connectionPool({ connectionString: config.databaseUrl! }, () => undefined);
      t.after(close);
      const { rows } = await pool.query<{ id: string }>('SELECT correlation_id::text AS id FROM events LIMIT 2');
      const [gone = '', doubled = ''] = rows.map(({ id }) => id);
      await pool.query('DELETE FROM events WHERE correlation_id = $1', [gone]);
      await pool.query('INSERT INTO events SELECT * FROM events WHERE correlation_id = $1', [doubled]);
      const store = await openS3Store(config.objects!);
      const [key = ''] = await Array.fromAsync(store.list('events/'));
      const text = (await store.get(key))!.toString();
      const ids = [...text.matchAll(/"correlationId":"([0-9a-f-]{36})"/g)].map(([, id]) => id);
      await store.delete(key);
      const { lost, twice, wrong, torn } = await running().compare();
      assert.deepEqual([wrong, torn], [[], []]);
      const expected = [...ids.map((id) => `${id}: not in the objects`), `${gone}: not in table events`];
      assert.deepEqual(lost.toSorted(), expected.toSorted());
      assert.deepEqual(twice, [`${doubled}: 2 times in table events`]);
    });
  });
});

/** For the tests of a suite. */
function runningTrial(): () => Trial {
  let dir: string;
  let trial: Trial | undefined;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-faults-'));
    trial = await Trial.start({ app, configFile: undefined, env: cleanEnvironment(), dir, nodes: nodeCount, seed: 1 });
  });
  after(async () => {
    await trial?.close();
    if (trial?.failures.length === 0) await rm(dir, { recursive: true, force: true });
    else console.error(`what is left of the trial that failed: ${dir}`);
  });
  return () => {
    assert.ok(trial, 'the servers did not start');
    return trial;
  };
}

async function landsOnce(t: TestContext, trial: Trial, fault: Pick<PlannedFault, 'kind' | 'awayMs'>): Promise<void> {
  const { unanswered } = await loaded(trial);
  await trial.strike([{ ...fault, afterMs: 0, seed: 1 }]);
  await landed(t, trial);
  t.diagnostic(`in place of answers: ${JSON.stringify(unanswered)}`);
}

/** Resolves when every node is busy. */
async function loaded(trial: Trial): Promise<Senders> {
  assert.deepEqual(trial.failures, [], 'what came before has broken it');
  const load = trial.startLoad();
  await trial.acknowledging();
  return load;
}

/** Everything that the trial has ever acknowledged. */
async function landed(t: TestContext, trial: Trial): Promise<void> {
  await trial.land();
  const { lost, twice, wrong, torn, ...counts } = await trial.compare();
  trial.failures.push(...lost, ...twice, ...wrong, ...torn);
  assert.deepEqual(trial.failures, []);
  t.diagnostic(`${counts.landed} landed, ${counts.deadLetters} dead letters`);
}
