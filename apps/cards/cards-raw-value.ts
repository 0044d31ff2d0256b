/**
 * Generated from schemas/cards.raw-value.avsc by `node scripts/schema-types.ts`: change the schema, then run that.
 */

/** An event of the topic cards.raw: what is told of a user or a card at a moment. */
export interface CardsRawValue {
  readonly metadata: Metadata;
  readonly payload: Payload;
  /** The name of the file that it came in; null where it came otherwise. */
  readonly file?: string | null;
  /** When it came, RFC 3339 in UTC; null where only the log knows. */
  readonly arrived_at?: string | null;
}

export interface Metadata {
  /** What the payload tells of: user or card. */
  readonly type: string;
  /** YYYY-MM-DD HH:MM:SS by the producer's clock, as all times here but the arrival. */
  readonly event_at: string;
  /** UUID. */
  readonly event_id: string;
}

/** Fields of a user or of a card, those of the other null; what else a producer sent is kept beside the record. */
export interface Payload {
  /** Of the user or of the card. */
  readonly id: number;
  /** Of a user. */
  readonly name?: string | null;
  /** Of a user. */
  readonly address?: string | null;
  /** Of a user. */
  readonly job?: string | null;
  /** Of a user. */
  readonly score?: number | null;
  /** Of a card: whose it is. Some say nothing, and some name a user of whom nothing is known. */
  readonly user_id?: number | null;
  /** Of a card. */
  readonly created_by_name?: string | null;
  /** Of a card. */
  readonly updated_at?: string | null;
  /** Of a card. */
  readonly created_at?: string | null;
  /** Of a card. */
  readonly active?: boolean | null;
}
