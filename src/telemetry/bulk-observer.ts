/** Turns what batches tell of themselves into metrics and log lines. */
import type { Logger } from 'pino';
import type { BatchObserver, BatchPhase, BulkObserver } from '../sources/bulk/bulk-observer.ts';
import type { Metrics } from './metrics.ts';

export function bulkObserver(bulk: string, metrics: Metrics, logger: Logger): BulkObserver {
  return {
    began: () => batchObserver(bulk, metrics),
    notForgotten: (error) => logger.warn({ err: error, bulk }, 'old statuses of batches are kept'),
  };
}

function batchObserver(bulk: string, metrics: Metrics): BatchObserver {
  let current: { readonly phase: BatchPhase; readonly sinceMs: number } | undefined;
  const leave = (): void => {
    if (!current) return;
    const { phase, sinceMs } = current;
    metrics.bulkPhaseSeconds.observe({ bulk, phase }, (performance.now() - sinceMs) / 1000);
    metrics.bulkInProgress.dec({ bulk, phase });
    current = undefined;
  };
  return {
    entered: (phase) => {
      leave();
      metrics.bulkInProgress.inc({ bulk, phase });
      current = { phase, sinceMs: performance.now() };
    },
    received: (bytes) => metrics.bulkBytes.inc({ bulk }, bytes),
    ended: (outcome, rows) => {
      leave();
      metrics.bulkBatches.inc({ bulk, outcome });
      metrics.bulkRows.inc({ bulk, outcome }, rows);
    },
  };
}
