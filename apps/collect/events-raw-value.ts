/**
 * Generated from schemas/events.raw-value.avsc by `node scripts/schema-types.ts`: change the schema, then run that.
 */

/** An event of the topic events.raw: what a producer sent to collect, its stamps brought to one shape. */
export interface EventsRawValue {
  /** The fields that every event has; what else a producer sent in data is kept beside the record. */
  readonly data: Data;
  readonly attributes: Attributes;
}

export interface Data {
  /** The producer's name for what the event is about. */
  readonly id: string;
  /** Rounded to a double; every digit is kept beside the record. */
  readonly amount: number;
}

export interface Attributes {
  /** When the event happened: RFC 3339 with a zone. */
  readonly timestampStamp: string;
  /** UUID, ULID or 24-digit hexadecimal object id. */
  readonly messageIdStamp: string;
  /** What kind of event it is, often a class name; never empty. */
  readonly type: string;
  /** The subscription that the event is meant for. */
  readonly targetSubscription: string;
  /** On whose behalf the event was made. */
  readonly newContextStamp: NewContextStamp;
  /** Present where the event is also tracked in Amplitude. */
  readonly amplitudeTrackStamp?: AmplitudeTrackStamp | null;
}

export interface NewContextStamp {
  /** UUID, ULID or 24-digit hexadecimal object id. */
  readonly accountId: string;
  /** UUID, ULID or 24-digit hexadecimal object id. */
  readonly userId: string;
  /** Where the request came from, such as web or ios. */
  readonly requestPlatform?: string | null;
}

export interface AmplitudeTrackStamp {
  /** Not negative. */
  readonly id: number;
  readonly trackedDevice?: string | null;
}
