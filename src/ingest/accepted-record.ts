/** From the bytes of an event to its record in the pipeline's topic: decoded, normalised, validated and encoded. */
import { formatSpans } from '../event/verbatim-spans.ts';
import type { Header, NewRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Codec } from '../schemas/codec.ts';
import { traceHeader } from '../telemetry/tracing.ts';
import { decodeEvent } from './decode-event.ts';
import { fileHeader, receivedAs } from './received.ts';
import type { SplitEvent } from './splitter.ts';

export interface Acceptance {
  readonly pipeline: Pipeline;
  readonly codec: Codec;
  readonly correlationId: string;
  /** Of the package's span, where it is traced. */
  readonly traceparent?: string | undefined;
  /** That it came in. */
  readonly file?: string | undefined;
}

/**
 * The record's value is valid until the codec encodes again.
 * @throws Reject, NotJson; and whatever else a normaliser throws that has a defect
 */
export function acceptedRecord(received: SplitEvent, accepting: Acceptance): NewRecord {
  const { pipeline, codec, correlationId, traceparent, file } = accepting;
  const decoded = decodeEvent(received, pipeline.verbatim);
  const event = pipeline.normalise(decoded.event, receivedAs(correlationId, file)) as object;
  const value = codec.encode(event);
  const headers: Header[] = [
    ['correlationId', correlationId],
    ['schemaId', String(codec.schemaId)],
    ['verbatim', formatSpans(decoded.verbatim)],
    ['received', received.bytes],
  ];
  if (traceparent !== undefined) headers.push([traceHeader, traceparent]);
  if (file !== undefined) headers.push([fileHeader, file]);
  return { topic: pipeline.topic.name, key: pipeline.topic.key(event), value, headers };
}

/**
 * Of an event that was made here, not received: where its value is not JSON, its JSON is kept beside it, so that a dead letter can be
 * read and repaired (dead-letters/refused-records.ts). The record's value is valid until the codec encodes again.
 * @throws Reject; and whatever else the pipeline's function for the key throws
 */
export function madeRecord(event: object, { pipeline, codec, correlationId, traceparent }: Acceptance): NewRecord {
  const value = codec.encode(event);
  const headers: Header[] = [
    ['correlationId', correlationId],
    ['schemaId', String(codec.schemaId)],
  ];
  if (!codec.writesJson) headers.push(['received', JSON.stringify(event)]);
  if (traceparent !== undefined) headers.push([traceHeader, traceparent]);
  return { topic: pipeline.topic.name, key: pipeline.topic.key(event), value, headers };
}
