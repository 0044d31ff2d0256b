/** The span of a batch, by OpenTelemetry's conventions for consumers of messages: from its first record to its checkpoint. */
import type { TopicPartition } from '../log/log.ts';
import type { Span, Traces } from '../telemetry/tracing.ts';
import type { BatchOrigins } from './batch-origins.ts';

export interface SpannedBatch {
  readonly at: TopicPartition;
  readonly consumer: string;
  readonly from: number;
  readonly to: number;
}

/** Undefined where none of its packages is traced. */
export function batchSpan(
  traces: Traces | undefined,
  { links, fromMs, filledMs }: BatchOrigins,
  { at, consumer, from, to }: SpannedBatch,
): Span | undefined {
  const attributes = {
    'messaging.system': 'tributary',
    'messaging.operation.name': 'land',
    'messaging.operation.type': 'process',
    'messaging.destination.name': at.topic,
    'messaging.destination.partition.id': String(at.partition),
    'messaging.consumer.group.name': consumer,
    'messaging.batch.message_count': to - from,
    'tributary.offset.from': from,
    'tributary.offset.to': to,
  };
  const span = traces?.batch({ name: `land ${at.topic}`, attributes, fromMs, links });
  span?.add('fill', fromMs, filledMs);
  return span;
}
