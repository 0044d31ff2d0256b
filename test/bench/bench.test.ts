import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../support/program.ts';

/** The shape only: what is measured beside other tests means nothing. */
test('tributary bench --quick --json answers with the ratios of ingest', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'collect', '--quick', '--only', 'ingest', '--json']);
  assert.equal(code, 0, stderr);
  const { system, quick, passed, ingest, ...others } = JSON.parse(stdout);
  assert.deepEqual(
    [system, quick, passed, others.landing, others.memory],
    ['collect', true, true, undefined, undefined],
  );
  assert.equal(ingest.connections, 64);
  assert.deepEqual(
    ingest.rows.map(({ eventsAPackage, goal }: { eventsAPackage: number; goal: number }) => [eventsAPackage, goal]),
    [
      [1, 0.8],
      [100, 0.9],
    ],
  );
  for (const { variants, ofNoLog, ofBare } of ingest.rows) {
    for (const ratio of [ofNoLog, ofBare]) assert.ok(ratio > 0, `a ratio of ${ratio}`);
    assert.deepEqual(Object.keys(variants), ['durable', 'no-log', 'bare']);
    for (const { eventsPerSecond, p50Ms, p99Ms, failed } of Object.values<Record<string, number>>(variants)) {
      assert.ok(Number(eventsPerSecond) > 0 && Number(p50Ms) > 0 && Number(p99Ms) >= Number(p50Ms));
      assert.equal(failed, 0);
    }
  }
});

test('tributary bench lake --only ingest --quick --json answers with the ratios of pushed events, at 50 a request', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'lake', '--only', 'ingest', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { ingest, landing } = JSON.parse(stdout);
  assert.deepEqual([ingest.rows.length, landing], [1, undefined]);
  const [{ eventsAPackage, goal, ofNoLog, variants }] = ingest.rows;
  assert.deepEqual([eventsAPackage, goal, variants.durable.failed], [50, 0.9, 0]);
  assert.ok(ofNoLog > 0);
});

test('tributary bench lake --only pulls --quick --json answers with the ratios of pulls beside a bare loop', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'lake', '--only', 'pulls', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { pulls, ingest } = JSON.parse(stdout);
  assert.equal(ingest, undefined);
  assert.deepEqual([pulls.sound, pulls.apis.length], [true, 2]);
  for (const [index, { items, ways }] of pulls.apis.entries()) {
    assert.equal(items, index === 0 ? 2_000 : 400);
    assert.deepEqual(
      ways.map(({ name, goal }: { name: string; goal?: number }) => [name, goal]),
      [
        ['bare loop of fetch', undefined],
        ['pull, one page at a time', index === 0 ? 0.9 : undefined],
        ['pull, as the system has it', index === 0 ? undefined : 4],
      ],
    );
    for (const { itemsPerSecond, ofLoop, peakRssBytes } of ways.slice(1))
      assert.ok(itemsPerSecond > 0 && ofLoop > 0 && peakRssBytes > 0, stdout);
  }
});

test('tributary bench says which parts there are', async () => {
  const { code, stderr } = await runProgram(['bench', 'collect', '--only', 'everything']);
  assert.equal(code, 2);
  assert.match(stderr, /ingest, landing, memory/);
});

test('tributary bench signals --quick --json answers with the ratios of requests, and what views take', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'signals', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { system, passed, requests, views } = JSON.parse(stdout);
  assert.deepEqual([system, passed, requests.connections, requests.sound], ['signals', true, 64, true]);
  const alone = [
    ['nothing', undefined],
    ['log alone', undefined],
    ['embedded', 0.95],
  ];
  const beside = [
    ['nothing', undefined],
    ['embedded', undefined],
  ];
  for (const [i, expected] of [alone, alone, beside, beside].entries()) {
    const { path, withReads, servers } = requests.rows[i];
    assert.deepEqual([path, withReads], [i % 2 === 0 ? '/initial' : '/followup', i >= 2]);
    assert.deepEqual(
      servers.map(({ name, goal }: { name: string; goal?: number }) => [name, goal]),
      expected,
    );
    for (const { name, requestsPerSecond, ofNothing, reads } of servers) {
      assert.ok(requestsPerSecond > 0 && (name === 'nothing' ? ofNothing === undefined : ofNothing > 0), stdout);
      assert.equal(reads !== undefined, withReads && name !== 'nothing');
    }
  }
  const goals = views.measures.map(({ name, goal }: { name: string; goal?: number }) => [name, goal]);
  assert.deepEqual(goals, [
    ['rebuilt, events of a day', 500_000],
    ["a symbol's summary, p99", 1],
    ['made at first, a tenth as many of ten years', undefined],
    ['rebuilt beside, the same', undefined],
    ['a range of those ten years, p99', 10],
  ]);
});

test('tributary bench says that a system of requests has other parts', async () => {
  const { code, stderr } = await runProgram(['bench', 'signals', '--only', 'landing']);
  assert.equal(code, 2);
  assert.match(stderr, /signals .* has no part landing, but requests, views/);
});

test('tributary bench rates --quick --json answers with the ratios of batches and of reads', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'rates', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { system, passed, batches, reads } = JSON.parse(stdout);
  assert.deepEqual([system, passed], ['rates', true]);
  assert.deepEqual(
    batches.tables.map(({ rows, hasIndex }: { rows: number; hasIndex: boolean }) => [rows, hasIndex]),
    [
      [2_000, true],
      [2_000, false],
    ],
  );
  for (const { ways, peakRssBytes } of batches.tables) {
    assert.deepEqual(
      ways.map(({ name, goal }: { name: string; goal?: number }) => [name, goal]),
      [
        ['batch over HTTP', undefined],
        ['copy into the same table', 0.25],
        ['copy, no constraints', 1.5],
      ],
    );
    for (const { p50Seconds, batchIs, goal } of ways) assert.ok(p50Seconds > 0 && (goal === undefined || batchIs > 0));
    assert.ok(peakRssBytes > 0);
  }
  assert.deepEqual([reads.prices, reads.connections, reads.goal], [20_000, 8, 0.7]);
  for (const { perSecond, p50Ms, p99Ms } of [reads.reader, reads.yardstick])
    assert.ok(perSecond > 0 && p50Ms > 0 && p99Ms >= p50Ms);
  assert.ok(reads.ratio > 0);
});

test('tributary bench rates has nothing to measure on a cluster', async () => {
  const { code, stderr } = await runProgram(['bench', 'rates', '--engine', 'cluster']);
  assert.equal(code, 2);
  assert.match(stderr, /nothing to measure of rates with --engine cluster/);
});

test('tributary bench cards --quick --json answers with the ratios of files', async () => {
  const { code, stdout, stderr } = await runProgram(['bench', 'cards', '--quick', '--json']);
  assert.equal(code, 0, stderr);
  const { system, passed, files } = JSON.parse(stdout);
  assert.deepEqual([system, passed, files.files], ['cards', true, 500]);
  assert.deepEqual(
    files.ways.map(({ name, goal }: { name: string; goal?: number }) => [name, goal]),
    [
      ['read', undefined],
      ['read, one call after the other', undefined],
      ['into the log', 0.5],
      ['into the tables', 0.5],
      ['looked at again', undefined],
    ],
  );
  for (const { name, filesPerSecond, ratio, peakRssBytes } of files.ways)
    assert.ok(filesPerSecond > 0 && peakRssBytes > 0 && (name === 'read' || ratio > 0), stdout);
});
