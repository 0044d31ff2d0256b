/** From an event as producers send it to the event that is kept. Members that nobody knows are left out. */
import { isTime, type JsonObject, Reject } from 'tributary';
import { expectObject, expectString, expectUuid, isObject, unexpected } from '../expect.ts';
import { eventTypes, type LakeEvent, sources, type User } from './lake-event.ts';

/** @throws Reject */
export function checkEvent(received: JsonObject): LakeEvent {
  const event_id = expectUuid(received['event_id'], 'event_id');
  const who = whoAt(received['user_id']);
  return {
    event_id,
    ...who,
    event_type: oneOf(eventTypes, received['event_type'], 'event_type'),
    source: oneOf(sources, received['source'], 'source'),
    timestamp: timeAt(received['timestamp'], 'timestamp'),
    properties: expectObject(received['properties'], 'properties'),
  };
}

/** The producer's documents say a string, and it sends the whole user: both are right. */
function whoAt(user: unknown): Pick<LakeEvent, 'user_id' | 'user'> {
  if (user === null) return { user_id: null };
  if (typeof user === 'string') return { user_id: textAt(user, 'user_id') };
  if (!isObject(user)) throw unexpected(user, 'user_id', 'a string, a user or null');
  const known = checkUser(user);
  return { user_id: known.user_id, user: known };
}

function checkUser(user: JsonObject): User {
  const age = user['age'];
  if (typeof age !== 'number' || !Number.isSafeInteger(age) || age < 0)
    throw unexpected(age, 'user_id.age', 'a whole number');
  return {
    user_id: textAt(user['user_id'], 'user_id.user_id'),
    age,
    status: expectString(user['status'], 'user_id.status'),
    country: expectString(user['country'], 'user_id.country'),
    created_at: expectString(user['created_at'], 'user_id.created_at'),
  };
}

function textAt(value: unknown, path: string): string {
  const text = expectString(value, path);
  if (text === '') throw new Reject(path, 'expected a name, got an empty string');
  return text;
}

function oneOf<const T extends string>(choices: readonly T[], value: unknown, path: string): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw unexpected(value, path, `one of ${choices.join(', ')}`);
  return found;
}

function timeAt(value: unknown, path: string): string {
  if (typeof value === 'string' && isTime(value)) return value;
  throw unexpected(value, path, 'a time as RFC 3339 has it, with a zone');
}
