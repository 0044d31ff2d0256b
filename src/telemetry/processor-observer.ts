/** Turns what processors report into metrics and log lines. */
import type { Logger } from 'pino';
import type { TopicPartition } from '../log/log.ts';
import type { BatchOutcome, ProcessorObserver } from '../processing/partition-processor.ts';
import type { Metrics } from './metrics.ts';

export interface ObserverOptions {
  readonly consumer: string;
  readonly sinks: readonly string[];
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export function processorObserver({ consumer, sinks, logger, metrics }: ObserverOptions): ProcessorObserver {
  const pipeline = consumer;
  const about = (at: TopicPartition) => ({ pipeline, topic: at.topic, partition: at.partition });
  return {
    landed: (at, outcome) => {
      countBatch(metrics, pipeline, sinks, outcome);
      logger.debug({ ...about(at), ...outcome }, 'batch landed');
    },
    failed: (at, error, attempt) => {
      logger.warn({ ...about(at), err: error, attempt }, 'a batch failed and is tried again');
    },
    halted: (at, error) => {
      logger.error({ ...about(at), err: error }, 'the partition stands still until a restart');
    },
  };
}

function countBatch(metrics: Metrics, pipeline: string, sinks: readonly string[], outcome: BatchOutcome): void {
  const { landed, deadLettered, dropped, seconds } = outcome;
  for (const sink of sinks) metrics.eventsLanded.inc({ pipeline, sink }, landed);
  if (deadLettered > 0) metrics.eventsDeadLettered.inc({ pipeline, at: 'processor' }, deadLettered);
  if (dropped > 0) metrics.eventsDropped.inc({ pipeline, reason: 'invalid' }, dropped);
  metrics.batchSeconds.observe({ pipeline }, seconds);
}
