/** Turns what scheduled pulls tell of themselves into metrics and log lines. */
import type { Logger } from 'pino';
import { Fault } from '../errors.ts';
import type { PullObserver } from '../sources/rest/pull-run.ts';
import type { Run } from '../sources/rest/run.ts';
import { limitedLines } from './limited-lines.ts';
import type { Metrics } from './metrics.ts';

export interface ScheduledPullObserver extends PullObserver {
  readonly done: (run: Run) => void;
  readonly failed: (error: unknown) => void;
}

export function pullsObserver(pull: string, metrics: Metrics, logger: Logger): ScheduledPullObserver {
  const retried = limitedLines((line) => logger.warn({ pull, ...line }, 'a request of a pull is tried again'));
  return {
    asked: (status) => metrics.pullRequests.inc({ pull, status }),
    retried: (reason, pauseMs) => retried({ reason, pauseMs: Math.round(pauseMs) }),
    turned: () => undefined,
    startedOver: ({ reason, id }) => {
      metrics.pullRestarts.inc({ pull });
      logger.warn({ pull, run: id, reason }, 'a run begins anew, as the list has changed');
    },
    done: (run) => {
      const { id, kept, refused, leftOut, known, object, deadLetters } = run;
      metrics.pullRuns.inc({ pull, outcome: 'done' });
      for (const [outcome, count] of Object.entries({ kept, refused, 'left out': leftOut, known }))
        if (count > 0) metrics.pullItems.inc({ pull, outcome }, count);
      metrics.pullLastDone.set({ pull }, Date.now() / 1_000);
      logger.info({ pull, run: id, kept, refused, leftOut, known, object, deadLetters }, 'a run is done');
    },
    failed: (error) => {
      metrics.pullRuns.inc({ pull, outcome: error instanceof Fault ? error.code : 'INTERNAL' });
      logger.error({ err: error, pull }, 'a run is not done');
    },
  };
}
