/** What is counted of pulls that a server runs by their schedules. Those of `tributary pull` end with their process. */
import { Counter, Gauge, type Registry } from 'prom-client';

export function pullMetrics(registry: Registry) {
  const registers = [registry];
  return {
    /** `status`: the HTTP status, or 0 where there was no whole answer. */
    pullRequests: new Counter({
      name: 'tributary_pull_requests_total',
      help: 'Requests to APIs that are pulled.',
      labelNames: ['pull', 'status'],
      registers,
    }),
    /** `outcome`: done, or the code of what it ended with. */
    pullRuns: new Counter({
      name: 'tributary_pull_runs_total',
      help: 'Runs of pulls that have ended, or stopped for now.',
      labelNames: ['pull', 'outcome'],
      registers,
    }),
    pullRestarts: new Counter({
      name: 'tributary_pull_restarts_total',
      help: 'How often runs began anew, as the list had changed under them.',
      labelNames: ['pull'],
      registers,
    }),
    /** `outcome`: kept, refused, left out, or known from a run before. */
    pullItems: new Counter({
      name: 'tributary_pull_items_total',
      help: 'Items of runs that are done.',
      labelNames: ['pull', 'outcome'],
      registers,
    }),
    pullLastDone: new Gauge({
      name: 'tributary_pull_last_done_timestamp_seconds',
      help: 'When the last run of a pull was done, Unix time.',
      labelNames: ['pull'],
      registers,
    }),
  };
}
