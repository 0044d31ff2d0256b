/** The span of an append to the log, a part of the span of the request that it comes of. */
import type { Batch } from '../log/log.ts';
import type { Span } from '../telemetry/tracing.ts';

export function appendSpan(span: Span, topic: string, packageId: string, { count, bytes }: Batch): Span {
  const attributes = {
    'messaging.system': 'tributary',
    'messaging.operation.name': 'append',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.batch.message_count': count,
    'tributary.package.id': packageId,
    'tributary.batch.bytes': bytes,
  };
  return span.begin(`append ${topic}`, { kind: 'producer', attributes });
}
