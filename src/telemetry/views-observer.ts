/** Turns what views report into metrics and log lines. */
import type { Logger } from 'pino';
import type { TopicPartition } from '../log/log.ts';
import type { ViewsObserver } from '../views/views.ts';
import { limitedLines } from './limited-lines.ts';
import type { Metrics } from './metrics.ts';

export interface ViewsObserverOptions {
  /** The view's name as a consumer. */
  readonly consumer: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function viewsObserver({ consumer: view, logger, metrics }: ViewsObserverOptions): ViewsObserver {
  const about = (at: TopicPartition) => ({ view, topic: at.topic, partition: at.partition });
  const onSkipped = limitedLines((line) => logger.error(line, 'a function of the view failed: the event is not in it'));
  return {
    failed: (at, error, attempt) => {
      logger.warn({ ...about(at), err: error, attempt }, 'the view begins again from its store');
    },
    gone: (at, range) => {
      metrics.viewEventsGone.inc({ view }, range.to - range.from);
      logger.error(
        { ...about(at), ...range },
        'the log does not have these offsets any more: they are not in the view',
      );
    },
    skipped: (at, offset, error) => {
      metrics.viewEventsSkipped.inc({ view });
      onSkipped({ ...about(at), offset, err: error });
    },
    assigned: (topic, partitions) => {
      logger.info({ view, topic, partitions }, 'keeps the view of these partitions');
    },
    unassigned: (topic, error) => {
      logger.error({ view, topic, err: error }, 'does not have its share of the partitions');
    },
  };
}
