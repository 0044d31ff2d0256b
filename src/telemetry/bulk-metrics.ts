/** What is counted of batches that go into a table in whole or not at all (D7), for each `bulk`. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** From what a small batch takes to the half hour of a very large one. */
const seconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800];

export function bulkMetrics(registry: Registry) {
  const registers = [registry];
  return {
    /** `outcome`: of bulk-observer.ts. */
    bulkBatches: new Counter({
      name: 'tributary_bulk_batches_total',
      help: 'Batches that have ended.',
      labelNames: ['bulk', 'outcome'],
      registers,
    }),
    bulkRows: new Counter({
      name: 'tributary_bulk_rows_total',
      help: 'Rows of batches that have been read to their end, good or bad.',
      labelNames: ['bulk', 'outcome'],
      registers,
    }),
    /** As they come, so that it tells how fast a batch does that is under way. */
    bulkBytes: new Counter({
      name: 'tributary_bulk_bytes_total',
      help: 'Bytes of batches received, decompressed.',
      labelNames: ['bulk'],
      registers,
    }),
    bulkPhaseSeconds: new Histogram({
      name: 'tributary_bulk_phase_seconds',
      help: 'Time that a batch was in a phase.',
      labelNames: ['bulk', 'phase'],
      buckets: seconds,
      registers,
    }),
    bulkInProgress: new Gauge({
      name: 'tributary_bulk_in_progress',
      help: 'Batches in a phase.',
      labelNames: ['bulk', 'phase'],
      registers,
    }),
  };
}
