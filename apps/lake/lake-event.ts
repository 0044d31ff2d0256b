/** An event as it is kept; `schemas/lake.raw-value.schema.json` says the same. */
import type { JsonObject } from 'tributary';

export const eventTypes = ['click', 'view', 'purchase', 'signup', 'pray', 'share', 'like'] as const;
export const sources = ['web', 'apple', 'android'] as const;

export interface LakeEvent {
  /** UUID in lower case. */
  readonly event_id: string;
  /** Null for somebody whom nobody knows. */
  readonly user_id: string | null;
  /** What is known of the user, where the producer has sent it. */
  readonly user?: User;
  readonly event_type: (typeof eventTypes)[number];
  readonly source: (typeof sources)[number];
  /** RFC 3339 with a zone, as it was sent. */
  readonly timestamp: string;
  /** As they were sent, digit by digit. */
  readonly properties: JsonObject;
}

export interface User {
  readonly user_id: string;
  readonly age: number;
  readonly status: string;
  readonly country: string;
  readonly created_at: string;
}
