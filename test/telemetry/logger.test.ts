import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fault } from '../../src/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly err: Record<string, unknown> & { readonly cause?: Record<string, unknown> };
}

function capture(level = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ level, to: { write: (line) => lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Line };
}

suite('log lines', () => {
  test('are one JSON object each, with time and level by name', () => {
    const { logger, lines, last } = capture();
    logger.info({ pipeline: 'collect' }, 'ready\nnow');
    logger.debug('not asked for');
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^\{.*\}\n$/);
    assert.equal(last().level, 'info');
    assert.match((last() as unknown as { time: string }).time, /^\d{4}-.*Z$/);
  });

  test('tell a Fault with code and what to do, other errors with their stack, and both with their causes', () => {
    const { logger, last } = capture();
    logger.error({ err: new Fault('BUSY', 'no room', { cause: new TypeError('a bug') }) }, 'refused');
    const { err } = last();
    assert.deepEqual(
      [err['type'], err['code'], err['message'], 'stack' in err, typeof err['todo']],
      ['Fault', 'BUSY', 'no room', false, 'string'],
    );
    assert.equal(err.cause?.['type'], 'TypeError');
    assert.match(String(err.cause?.['stack']), /logger\.test\.ts/);
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    logger.error({ err: new Fault('LOG_UNAVAILABLE', 'no broker', { cause: refused }) }, 'away');
    assert.deepEqual(last().err.cause, { type: 'Error', message: 'refused', code: 'ECONNREFUSED' });
  });

  test('an error that causes itself ends somewhere', () => {
    const { logger, lines } = capture();
    const error = new Error('round');
    error.cause = error;
    logger.error({ err: error }, 'x');
    assert.equal(lines.length, 1);
  });

  test('hold no password: not as a field, not in a message, not in an error', () => {
    const { logger, lines } = capture();
    logger.info({ config: { databaseUrl: 'postgres://me:secret@host/db' }, password: 'secret' }, 'x');
    logger.info('connecting to postgres://me:secret@host/db');
    logger.error(new Error('postgres://me:se@cret@host/db refused', { cause: new Error('redis://:secret@host') }));
    assert.equal(lines.length, 3);
    for (const line of lines) {
      assert.doesNotMatch(line, /secret|se@cret|cret@/);
      assert.doesNotThrow(() => JSON.parse(line));
    }
    assert.match(lines[1] ?? '', /postgres:\/\/me:\*\*\*@host\/db/);
  });
});

suite('metrics', () => {
  test('have a registry of their own each, with names and labels that dashboards count on', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.eventsIngested.inc({ pipeline: 'collect' }, 5);
    one.eventsDeadLettered.inc({ pipeline: 'collect', at: 'ingest' });
    one.packages.inc({ pipeline: 'collect', status: 200 });
    one.packageSeconds.observe({ pipeline: 'collect' }, 0.2);
    const text = await one.registry.metrics();
    for (const line of [
      'tributary_events_ingested_total{pipeline="collect"} 5',
      'tributary_events_dead_lettered_total{pipeline="collect",at="ingest"} 1',
      'tributary_packages_total{pipeline="collect",status="200"} 1',
      'tributary_package_seconds_bucket{le="0.25",pipeline="collect"} 1',
    ])
      assert.ok(text.includes(line), line);
    assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
    assert.doesNotMatch(await other.registry.metrics(), /ingested_total\{/);
  });
});
