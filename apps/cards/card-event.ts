/** An event as the tables take it: of a user or of a card, with what the log knows of it. */
import {
  type Json,
  json,
  localTimeOf,
  type LocalTime,
  type RecordMetadata,
  Reject,
  type Timestamp,
  timestampOf,
  toUuid,
  type Uuid,
} from 'tributary';
import type { CardsRawValue, Payload } from './cards-raw-value.ts';

export interface User {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly job: string;
  readonly score: number;
}

export interface Card {
  readonly id: number;
  readonly user_id: number | null;
  readonly created_by_name: string;
  readonly updated_at: LocalTime;
  readonly created_at: LocalTime;
  readonly active: boolean;
}

export interface CardEvent {
  readonly type: string;
  readonly event_at: LocalTime;
  readonly event_id: Uuid;
  /** As it was sent. */
  readonly payload: Json;
  readonly user?: User;
  readonly card?: Card;
  readonly file: string | null;
  readonly arrived_at: Timestamp;
  readonly correlation_id: Uuid;
}

/** Ingest has checked what is in it; who writes to the topic beside it may not have. @throws Reject */
export function toCardEvent(event: CardsRawValue, metadata: RecordMetadata): CardEvent {
  const { type, event_at, event_id } = event.metadata;
  return {
    type,
    event_at: localTime(event_at, 'metadata.event_at'),
    event_id: uuid(event_id, 'metadata.event_id'),
    payload: json(event.payload),
    ...(type === 'user' ? { user: toUser(event.payload) } : { card: toCard(event.payload) }),
    file: event.file ?? null,
    arrived_at: moment(event.arrived_at ?? metadata.publishTime),
    correlation_id: uuid(metadata.correlationId, 'correlationId'),
  };
}

function toUser({ id, name, address, job, score }: Payload): User {
  return {
    id,
    name: there(name, 'name'),
    address: there(address, 'address'),
    job: there(job, 'job'),
    score: there(score, 'score'),
  };
}

function toCard({ id, user_id, created_by_name, updated_at, created_at, active }: Payload): Card {
  return {
    id,
    user_id: user_id ?? null,
    created_by_name: there(created_by_name, 'created_by_name'),
    updated_at: localTime(there(updated_at, 'updated_at'), 'payload.updated_at'),
    created_at: localTime(there(created_at, 'created_at'), 'payload.created_at'),
    active: there(active, 'active'),
  };
}

function there<T>(value: T | null | undefined, name: string): T {
  if (value == null) throw new Reject(`payload.${name}`, 'expected a value');
  return value;
}

function localTime(text: string, path: string): LocalTime {
  const time = localTimeOf(text);
  if (time === undefined) throw new Reject(path, 'expected a time as YYYY-MM-DD HH:MM:SS');
  return time;
}

function moment(text: string): Timestamp {
  const time = timestampOf(text);
  if (time === undefined) throw new Reject('arrived_at', 'expected a time as in RFC 3339 with a zone');
  return time;
}

function uuid(text: string, path: string): Uuid {
  const id = toUuid(text);
  if (id === undefined) throw new Reject(path, 'expected a UUID');
  return id;
}
