/** Where an enriched event lands: its row in the table `events`, and the prefix of its object. */
import {
  dayOf,
  json,
  jsonb,
  percentEncodeSegment,
  Reject,
  type Row,
  text,
  type Timestamp,
  timestampOf,
  timestamptz,
  toUuid,
  type Uuid,
  uuid,
} from 'tributary';
import type { EnrichedEvent } from './transform.ts';

export const eventColumns = {
  timestamp_stamp: timestamptz(),
  message_id_stamp: uuid(),
  correlation_id: uuid(),
  type: text(),
  target_subscription: text(),
  new_context_account_id: uuid(),
  new_context_user_id: uuid(),
  data: jsonb(),
};

/** @throws Reject where an identifier is none that a UUID can hold */
export function toRow({ data, attributes, metadata }: EnrichedEvent): Row<typeof eventColumns> {
  const { newContextStamp: context } = attributes;
  return {
    timestamp_stamp: timeOf(attributes.timestampStamp),
    message_id_stamp: idAt(attributes.messageIdStamp, 'attributes.messageIdStamp'),
    correlation_id: idAt(metadata.correlationId, 'metadata.correlationId'),
    type: attributes.type,
    target_subscription: attributes.targetSubscription,
    new_context_account_id: idAt(context.accountId, 'attributes.newContextStamp.accountId'),
    new_context_user_id: idAt(context.userId, 'attributes.newContextStamp.userId'),
    data: json(data),
  };
}

/** `events/date=YYYY-MM-DD/type=<type>`: the UTC date of `timestampStamp`. @throws Reject where that is no time */
export function toObjectPrefix({ attributes }: EnrichedEvent): string {
  return `events/date=${dayOf(timeOf(attributes.timestampStamp))}/type=${percentEncodeSegment(attributes.type)}`;
}

/** Ingest has checked it; who writes to the topic beside it may not have. */
function timeOf(time: string): Timestamp {
  const timestamp = timestampOf(time);
  if (timestamp === undefined)
    throw new Reject('attributes.timestampStamp', 'expected a time as in RFC 3339 with a zone');
  return timestamp;
}

function idAt(id: string, path: string): Uuid {
  const found = toUuid(id);
  if (found === undefined) throw new Reject(path, 'expected a UUID, a ULID or an object id of 24 hexadecimal digits');
  return found;
}
