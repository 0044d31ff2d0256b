/** What `/metrics` serves, by the rules of `promtool check metrics`, and by promtool itself where it is installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { addLiveGauges, type LagSample } from '../../src/telemetry/live-gauges.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const samples: readonly LagSample[] = [
  { consumer: 'collect', topic: 'events.raw', partition: 0, lag: 12, behindMs: 2_500 },
  { consumer: 'collect', topic: 'events.raw', partition: 1, lag: 3, behindMs: NaN },
];

function fullMetrics(onLag = (): void => undefined) {
  const metrics = createMetrics();
  addLiveGauges(metrics.registry, {
    lag: async () => {
      onLag();
      return samples;
    },
    ingestBytes: () => 4096,
    pool: () => ({ totalCount: 5, idleCount: 2, waitingCount: 7 }),
    readPool: () => ({ totalCount: 1, idleCount: 0, waitingCount: 9 }),
  });
  metrics.eventsIngested.inc({ pipeline: 'collect' }, 3);
  metrics.packages.inc({ pipeline: 'collect', status: 200 });
  metrics.packageSeconds.observe({ pipeline: 'collect' }, 0.002);
  metrics.logFlushSeconds.observe(0.001);
  return metrics;
}

interface Family {
  readonly name: string;
  readonly help: string | undefined;
  readonly type: string;
}

function familiesOf(text: string): readonly Family[] {
  return [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
    help: new RegExp(String.raw`^# HELP ${name} (.+)$`, 'm').exec(text)?.[1],
  }));
}

const abbreviations = ['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'm', 'h', 'd'];
const notBase = ['milliseconds', 'microseconds', 'nanoseconds', 'minutes', 'hours', 'days', 'kilobytes', 'megabytes'];

/** What promtool would say of a family. */
function problemsOf({ name, help, type }: Family): readonly string[] {
  const parts = name.split('_');
  const isSampled = type === 'histogram' || type === 'summary';
  return [
    ...(help === undefined ? ['no help text'] : []),
    ...((type === 'counter') === name.endsWith('_total') ? [] : ['counters, and they alone, end in "_total"']),
    ...(!isSampled && /_(count|sum|bucket)$/.test(name) ? ['a suffix of histograms and summaries'] : []),
    ...(parts.includes(type) ? ['the type in the name'] : []),
    ...(/^[a-z][a-z0-9_]*$/.test(name) ? [] : ['not in snake_case']),
    ...parts.filter((part) => abbreviations.includes(part)).map((part) => `${part} is an abbreviation`),
    ...parts.filter((part) => notBase.includes(part)).map((part) => `${part} is no base unit`),
  ];
}

suite('metrics', () => {
  test('follow the rules of promtool', async () => {
    const families = familiesOf(await fullMetrics().registry.metrics());
    assert.ok(families.length > 20);
    assert.deepEqual(
      families.flatMap((family) => problemsOf(family).map((problem) => `${family.name}: ${problem}`)),
      [],
    );
  });

  test('the rules find what is wrong', () => {
    const wrong: readonly Family[] = [
      { name: 'a_total', type: 'gauge', help: 'A.' },
      { name: 'a', type: 'counter', help: 'A.' },
      { name: 'a_count', type: 'gauge', help: 'A.' },
      { name: 'a_milliseconds', type: 'gauge', help: 'A.' },
      { name: 'a_ms', type: 'gauge', help: 'A.' },
      { name: 'a_gauge', type: 'gauge', help: 'A.' },
      { name: 'aB', type: 'gauge', help: 'A.' },
      { name: 'a', type: 'gauge', help: undefined },
    ];
    for (const family of wrong) assert.equal(problemsOf(family).length, 1, family.name);
  });

  const promtool = spawnSync('promtool', ['--version']).error === undefined;
  test('pass promtool', { skip: !promtool && 'promtool is not installed' }, async () => {
    const input = await fullMetrics().registry.metrics();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });

  test('lag is told in records and in seconds, measured once a scrape', async () => {
    let measured = 0;
    const { registry } = fullMetrics(() => (measured += 1));
    const text = await registry.metrics();
    const labels = 'consumer="collect",topic="events.raw",partition="0"';
    assert.ok(text.includes(`tributary_lag_records{${labels}} 12\n`), text);
    assert.ok(text.includes(`tributary_lag_seconds{${labels}} 2.5\n`), text);
    assert.match(text, /tributary_lag_seconds\{.*partition="1"\} Nan\n/i);
    assert.equal(measured, 1);
  });

  test('flush time is a histogram, the pool is told by state, and the event loop by its delay', async () => {
    const text = await fullMetrics().registry.metrics();
    assert.match(text, /^tributary_log_flush_seconds_bucket\{le="0.001"\} 1$/m);
    assert.match(text, /^tributary_warehouse_connections\{state="idle"\} 2$/m);
    assert.match(text, /^tributary_warehouse_connections\{state="used"\} 3$/m);
    assert.match(text, /^tributary_warehouse_connections_awaited 7$/m);
    assert.match(text, /^tributary_read_connections\{state="used"\} 1$/m);
    assert.match(text, /^tributary_read_connections_awaited 9$/m);
    assert.match(text, /^tributary_queue_bytes\{queue="ingest"\} 4096$/m);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds \S+$/m);
  });
});
