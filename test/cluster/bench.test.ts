/** `tributary bench --engine cluster`: its shape only, since what is measured beside other tests means nothing. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ClusterBenchResult, RequestsBenchResult } from '../../bench/bench.ts';
import { runProgram } from '../support/program.ts';

async function quickBench(part: string): Promise<ClusterBenchResult> {
  const args = ['bench', 'collect', '--engine', 'cluster', '--quick', '--only', part, '--json'];
  const { code, stdout, stderr } = await runProgram(args);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout) as ClusterBenchResult;
  assert.deepEqual([result.system, result.engine, result.quick, result.passed], ['collect', 'cluster', true, true]);
  const others = (['ingest', 'landing', 'nodes'] as const).filter((name) => name !== part);
  for (const other of others) assert.equal(result[other], undefined);
  return result;
}

const isRatio = (value: number): boolean => value > 0 && Number.isFinite(value);

suite('bench on a cluster', () => {
  test("ingest is measured beside the client's producer, without transactions and without HTTP", async () => {
    const { ingest } = await quickBench('ingest');
    assert.equal(ingest?.connections, 64);
    assert.deepEqual(
      ingest.rows.map(({ eventsAPackage, goal }) => [eventsAPackage, goal]),
      [
        [1, undefined],
        [100, 0.9],
      ],
    );
    for (const { writers, ...row } of ingest.rows) {
      const { ofClient, httpOfClient, ofClientTransactions, ofUntransacted } = row;
      for (const ratio of [ofClient, httpOfClient, ofClientTransactions, ofUntransacted]) assert.ok(isRatio(ratio));
      const names = ['http', 'client', 'log', 'untransacted', 'client-transactions'];
      assert.deepEqual(Object.keys(writers), names);
      for (const { eventsPerSecond, p50Ms, p99Ms, failed } of Object.values(writers)) {
        assert.ok(eventsPerSecond > 0 && p50Ms > 0 && p99Ms >= p50Ms);
        assert.equal(failed, 0);
      }
    }
  });

  test('landing is measured beside COPY and beside reading alone', async () => {
    const { landing } = await quickBench('landing');
    assert.deepEqual([landing?.rows, landing?.rounds, landing?.goal], [5_000, 1, 0.8]);
    assert.ok(isRatio(landing!.ratio) && isRatio(landing!.ofReading));
    assert.ok(landing!.copiedPerSecond > 0 && landing!.readPerSecond > landing!.landedPerSecond);
  });

  test('two nodes share the work that one has', async () => {
    const { nodes } = await quickBench('nodes');
    assert.deepEqual([nodes?.events, nodes?.rounds, nodes?.goal], [12_800, 1, 1.1]);
    assert.ok(isRatio(nodes!.ratio));
    assert.equal(nodes!.one.smallestShare, 1);
    assert.ok(nodes!.two.smallestShare > 0.1, 'one of the two did nearly nothing');
  });

  test('requests on Kafka and Redis are measured beside those that nothing keeps, and the embedded engine', async () => {
    const { code, stdout, stderr } = await runProgram(['bench', 'signals', '--engine', 'cluster', '--quick', '--json']);
    assert.equal(code, 0, stderr);
    const { passed, requests, views } = JSON.parse(stdout) as RequestsBenchResult;
    assert.deepEqual([passed, views, requests?.sound], [true, undefined, true]);
    assert.deepEqual(
      requests?.rows.map(({ path, withReads }) => [path, withReads]),
      [
        ['/initial', false],
        ['/followup', false],
        ['/initial', true],
        ['/followup', true],
      ],
    );
    for (const { servers } of requests.rows) {
      assert.deepEqual(
        servers.map(({ name }) => name),
        ['nothing', 'embedded', 'Kafka and Redis'],
      );
      for (const { ofNothing } of servers.slice(1)) assert.ok(isRatio(ofNothing!));
    }
  });

  test('a part that the engine does not have is refused', async () => {
    const { code, stderr } = await runProgram(['bench', 'collect', '--engine', 'cluster', '--only', 'memory']);
    assert.equal(code, 2);
    assert.match(stderr, /--engine cluster has no part memory, but ingest, landing, nodes/);
  });
});
