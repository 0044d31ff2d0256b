/**
 * From an event as producers write it to the event that the schema describes. A card without `user_id` is as good as any other: producers leave
 * it out on purpose, in what they tell of that card later, too, and a card that was thrown away could not be modified.
 */
import { type JsonObject, localTimeOf, type Received } from 'tributary';
import type { CardsRawValue, Metadata, Payload } from './cards-raw-value.ts';
import { expectObject, expectString, expectUuid, unexpected } from '../expect.ts';

/** @throws Reject */
export function checkEvent(received: JsonObject, { file, time }: Received): CardsRawValue {
  const metadata = checkMetadata(expectObject(received['metadata'], 'metadata'));
  const fields = expectObject(received['payload'], 'payload');
  const payload = metadata.type === 'user' ? checkUser(fields) : checkCard(fields);
  return { metadata, payload, file: file ?? null, arrived_at: time };
}

function checkMetadata(metadata: JsonObject): Metadata {
  const type = metadata['type'];
  if (type !== 'user' && type !== 'card') throw unexpected(type, 'metadata.type', 'user or card');
  return {
    type,
    event_at: timeAt(metadata['event_at'], 'metadata.event_at'),
    event_id: expectUuid(metadata['event_id'], 'metadata.event_id'),
  };
}

function checkUser({ id, name, address, job, score }: JsonObject): Payload {
  if (typeof score !== 'number' || !Number.isFinite(score)) throw unexpected(score, 'payload.score', 'a number');
  return {
    id: idAt(id, 'payload.id'),
    name: expectString(name, 'payload.name'),
    address: expectString(address, 'payload.address'),
    job: expectString(job, 'payload.job'),
    score,
  };
}

function checkCard(card: JsonObject): Payload {
  const userId = card['user_id'] ?? null;
  const active = card['active'];
  if (typeof active !== 'boolean') throw unexpected(active, 'payload.active', 'true or false');
  return {
    id: idAt(card['id'], 'payload.id'),
    user_id: userId === null ? null : idAt(userId, 'payload.user_id'),
    created_by_name: expectString(card['created_by_name'], 'payload.created_by_name'),
    updated_at: timeAt(card['updated_at'], 'payload.updated_at'),
    created_at: timeAt(card['created_at'], 'payload.created_at'),
    active,
  };
}

function idAt(id: unknown, path: string): number {
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw unexpected(id, path, 'an unsigned integer below 2^53');
}

function timeAt(time: unknown, path: string): string {
  if (typeof time === 'string' && localTimeOf(time) !== undefined) return time;
  throw unexpected(time, path, 'a time as YYYY-MM-DD HH:MM:SS');
}
