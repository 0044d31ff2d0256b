/** What a source of files counts and tells. Names of files come from outside: lines are limited, and the same is told once. */
import type { Logger } from 'pino';
import { limitedLines } from './limited-lines.ts';
import type { Metrics } from './metrics.ts';

export interface FilesObserverOptions {
  readonly pipeline: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface TakenFile {
  readonly outcome: 'loaded' | 'refused' | 'unchanged';
  readonly accepted: number;
  readonly rejected: number;
}

/** Of so many files what was told of them is known; then of newer ones. */
const mostTold = 1_000;

export function filesObserver({ pipeline, logger, metrics }: FilesObserverOptions) {
  const warn = limitedLines((line) => logger.warn({ pipeline, ...line }, 'a file is passed over for now'));
  const failure = limitedLines((line) =>
    logger.error({ pipeline, ...line }, 'files are not taken for now; they stay where they are'),
  );
  const defect = limitedLines((line) =>
    logger.error({ pipeline, ...line }, 'a normaliser failed; the event is a dead letter'),
  );
  const told = new Set<string>();
  const tellOnce = (file: string, why: string, more: object = {}): void => {
    const what = `${file} ${why}`;
    if (told.has(what)) return;
    const [oldest] = told;
    if (told.size >= mostTold && oldest !== undefined) told.delete(oldest);
    told.add(what);
    metrics.files.inc({ pipeline, outcome: 'passed over' });
    warn({ file, why, ...more });
  };
  let lastFailure: string | undefined;
  return {
    taken: (files: readonly TakenFile[]): void => {
      lastFailure = undefined;
      let accepted = 0;
      let rejected = 0;
      const outcomes = { loaded: 0, refused: 0, unchanged: 0 };
      for (const file of files) {
        outcomes[file.outcome] += 1;
        accepted += file.accepted;
        rejected += file.rejected;
      }
      for (const [outcome, count] of Object.entries(outcomes))
        if (count > 0) metrics.files.inc({ pipeline, outcome }, count);
      metrics.eventsIngested.inc({ pipeline }, accepted);
      if (rejected > 0) {
        metrics.eventsRejected.inc({ pipeline }, rejected);
        metrics.eventsDeadLettered.inc({ pipeline, at: 'ingest' }, rejected);
      }
      logger.debug({ pipeline, files: files.length, accepted, rejected }, 'files');
    },
    passedOver: (file: string, why: string): void => tellOnce(file, why),
    notTakenAway: (file: string, error: unknown): void =>
      tellOnce(file, 'was taken, and cannot be moved or deleted', { err: error }),
    /** The same one that comes again and again is told once, until files are taken again. */
    failed: (error: unknown): void => {
      if (String(error) === lastFailure) return;
      lastFailure = String(error);
      failure({ err: error });
    },
    waiting: (files: number, longestMs: number): void => {
      metrics.filesWaiting.set({ pipeline }, files);
      metrics.fileWaitSeconds.set({ pipeline }, longestMs / 1000);
    },
    onDefect: (error: unknown, correlationId: string): void => defect({ err: error, correlationId }),
  };
}
