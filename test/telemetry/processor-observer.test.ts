import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Notice } from '../../src/processing/notice.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { processorObserver } from '../../src/telemetry/processor-observer.ts';

/** What is logged of it, and what the counters say then. */
async function notice(told: Notice) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', to: { write: (line: string) => lines.push(line) } });
  const metrics = createMetrics();
  processorObserver({ consumer: 'p', sinks: ['rows'], logger, metrics }).noticed({ topic: 't', partition: 3 }, told);
  const [line] = lines.map((text) => JSON.parse(text) as Record<string, unknown>);
  const lost = (await metrics.eventsLost.get()).values.map(({ value }) => value);
  const dropped = (await metrics.eventsDropped.get()).values.map(({ value, labels }) => [labels.reason, value]);
  assert.deepEqual([line!['pipeline'], line!['topic'], line!['partition']], ['p', 't', 3]);
  return { level: line!['level'], msg: line!['msg'], lost, dropped };
}

suite('what an observer makes of notices', () => {
  test('D2: records that are lost are an error line with their range, and counted', async () => {
    assert.deepEqual(await notice({ kind: 'passed over', from: 5, to: 12, why: 'lost' }), {
      level: 'error',
      msg: 'offsets 5 to 12 are gone from the log, and have not landed in every sink; goes on behind them',
      lost: [7],
      dropped: [],
    });
  });

  test('a new consumer that begins behind offset 0 is no loss', async () => {
    assert.deepEqual(await notice({ kind: 'passed over', from: 0, to: 12, why: 'new' }), {
      level: 'info',
      msg: 'begins at offset 12, the oldest that the log has',
      lost: [],
      dropped: [],
    });
  });

  test('landing again tells from where, and what is gone; an error only where something is', async () => {
    const whole = { kind: 'lands again', from: 4, to: 9, gone: { from: 4, to: 4 }, sinks: ['rows'] } as const;
    const msg = 'rows: the database is behind the log (another one, or restored); offsets 4 to 9 land again';
    assert.deepEqual(await notice(whole), { level: 'warn', msg, lost: [], dropped: [] });
    const { level, msg: more } = await notice({ ...whole, gone: { from: 0, to: 4 } });
    assert.equal(level, 'error');
    assert.equal(more, `${msg}; 0 to 4 are gone from the log, and this database does not get them`);
  });

  test('D2: events that some sinks go without are an error line, and counted', async () => {
    const first = { offset: 8, path: 'data', message: 'a\nnumber' };
    assert.deepEqual(await notice({ kind: 'left out', events: 2, first }), {
      level: 'error',
      msg: '2 events that have landed in a sink before are refused now, from offset 8; other sinks go without (data: a\nnumber)',
      lost: [],
      dropped: [['landed before', 2]],
    });
  });
});
