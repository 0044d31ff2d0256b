/** Adds what the log knows of an event, and leaves out optional fields that hold nothing. */
import type { RecordMetadata } from 'tributary';
import type { AmplitudeTrackStamp, Attributes, EventsRawValue, NewContextStamp } from './events-raw-value.ts';

/** An event as it is stored. */
export interface EnrichedEvent extends EventsRawValue {
  readonly metadata: RecordMetadata;
}

/** `data` passes as it is, with the text it was sent as. */
export function addMetadata(event: EventsRawValue, metadata: RecordMetadata): EnrichedEvent {
  const { correlationId, publishTime, schemaId } = metadata;
  return {
    data: event.data,
    attributes: withoutNulls(event.attributes),
    metadata: { correlationId, publishTime, schemaId },
  };
}

/** Codecs decode a missing optional field as null or as undefined, each schema language in its own way. */
function withoutNulls(attributes: Attributes): Attributes {
  const { timestampStamp, messageIdStamp, type, targetSubscription, amplitudeTrackStamp } = attributes;
  const newContextStamp = storedContext(attributes.newContextStamp);
  const stored = { timestampStamp, messageIdStamp, type, targetSubscription, newContextStamp };
  return amplitudeTrackStamp == null ? stored : { ...stored, amplitudeTrackStamp: storedTrack(amplitudeTrackStamp) };
}

function storedContext({ accountId, userId, requestPlatform }: NewContextStamp): NewContextStamp {
  return requestPlatform == null ? { accountId, userId } : { accountId, userId, requestPlatform };
}

function storedTrack({ id, trackedDevice }: AmplitudeTrackStamp): AmplitudeTrackStamp {
  return trackedDevice == null ? { id } : { id, trackedDevice };
}
