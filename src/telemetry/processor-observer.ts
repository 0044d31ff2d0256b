/** Turns what processors report into metrics and log lines. */
import type { Logger } from 'pino';
import type { TopicPartition } from '../log/log.ts';
import type { BatchOutcome, ProcessorObserver, ReplayOutcome } from '../processing/partition-processor.ts';
import type { Notice } from '../processing/notice.ts';
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
    noticed: (at, notice) => {
      countNotice(metrics, pipeline, notice);
      logNotice(logger, about(at), notice);
    },
    replayed: (at, outcome) => {
      countReplay(metrics, pipeline, sinks, outcome);
      if (outcome.to === outcome.end) logger.info({ ...about(at), ...outcome }, 'replay done');
      else logger.debug({ ...about(at), ...outcome }, 'a stretch of a replay has landed');
    },
    assigned: (topic, partitions) => {
      logger.info({ pipeline, topic, partitions }, 'processes these partitions');
    },
    unassigned: (topic, error) => {
      logger.error({ pipeline, topic, err: error }, 'cannot take its share of the partitions; tries on');
    },
  };
}

function countBatch(metrics: Metrics, pipeline: string, sinks: readonly string[], outcome: BatchOutcome): void {
  const { landed, deadLettered, dropped, voided, duplicates, filtered, seconds } = outcome;
  for (const sink of sinks) metrics.eventsLanded.inc({ pipeline, sink }, landed);
  if (deadLettered > 0) metrics.eventsDeadLettered.inc({ pipeline, at: 'processor' }, deadLettered);
  if (dropped > 0) metrics.eventsDropped.inc({ pipeline, reason: 'invalid' }, dropped);
  if (voided > 0) metrics.eventsDropped.inc({ pipeline, reason: 'sent twice' }, voided);
  if (duplicates > 0) metrics.eventsDropped.inc({ pipeline, reason: 'duplicate' }, duplicates);
  for (const [reason, events] of filtered) metrics.eventsDropped.inc({ pipeline, reason }, events);
  metrics.batchSeconds.observe({ pipeline }, seconds);
}

/** Apart from what lands for the first time, which is what `ingested` comes to. */
function countReplay(metrics: Metrics, pipeline: string, sinks: readonly string[], outcome: ReplayOutcome): void {
  for (const sink of sinks) metrics.eventsReplayed.inc({ pipeline, sink }, outcome.landed);
  if (outcome.refused > 0) metrics.replaysRefused.inc({ pipeline }, outcome.refused);
}

function countNotice(metrics: Metrics, pipeline: string, notice: Notice): void {
  if (notice.kind === 'left out') metrics.eventsDropped.inc({ pipeline, reason: 'landed before' }, notice.events);
  if (notice.kind === 'passed over' && notice.why === 'lost')
    metrics.eventsLost.inc({ pipeline }, notice.to - notice.from);
}

function logNotice(logger: Logger, about: object, notice: Notice): void {
  const line = { ...about, ...notice };
  if (notice.kind === 'lands again') {
    const { from, to, gone, sinks } = notice;
    const lands = `${sinks.join(', ')}: the database is behind the log (another one, or restored); offsets ${from} to ${to} land again`;
    if (gone.from === gone.to) logger.warn(line, lands);
    else
      logger.error(
        line,
        `${lands}; ${gone.from} to ${gone.to} are gone from the log, and this database does not get them`,
      );
  } else if (notice.kind === 'left out') {
    const { events, first } = notice;
    const refused = `${first.path}: ${first.message}`;
    logger.error(
      line,
      `${events} events that have landed in a sink before are refused now, from offset ${first.offset}; other sinks go without (${refused})`,
    );
  } else if (notice.kind === 'replay stopped') {
    const { from, to, reason } = notice;
    logger.error(line, `the replay of offsets ${from} to ${to} stopped, until it is asked for again: ${reason}`);
  } else if (notice.why === 'new') {
    logger.info(line, `begins at offset ${notice.to}, the oldest that the log has`);
  } else {
    logger.error(
      line,
      `offsets ${notice.from} to ${notice.to} are gone from the log, and have not landed in every sink; goes on behind them`,
    );
  }
}
