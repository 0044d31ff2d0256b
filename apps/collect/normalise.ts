/**
 * From an event as producers send it to the event that the schema describes. Everything that the contract demands of an event
 * is checked here, so that it holds whatever the schema's language can say; `data` passes as it is, with the text it was sent as.
 */
import { isTime, type JsonObject, timeFromEpochMs } from 'tributary';
import type { AmplitudeTrackStamp, Attributes, Data, EventsRawValue, NewContextStamp } from './events-raw-value.ts';
import { expectObject, expectString, isObject, unexpected } from '../expect.ts';
import { decodeStamp, findHeaders } from './stamps.ts';

/** @throws Reject */
export function stampsToAttributes(received: JsonObject): EventsRawValue {
  const data = checkData(expectObject(received['data'], 'data'));
  const headers = findHeaders(headersAt(received, 'headers'), attributesOf(received));
  const amplitudeTrackStamp = amplitudeTrackOf(headers.amplitudeTrack);
  const attributes: Attributes = {
    timestampStamp: timestampOf(headers.timestamp),
    messageIdStamp: messageIdOf(headers.messageId),
    type: typeOf(headers.type),
    targetSubscription: expectString(headers.targetSubscription, 'attributes.targetSubscription'),
    newContextStamp: newContextOf(headers.newContext),
  };
  return { data, attributes: amplitudeTrackStamp === undefined ? attributes : { ...attributes, amplitudeTrackStamp } };
}

function checkData(data: JsonObject): Data {
  expectString(data['id'], 'data.id');
  if (typeof data['amount'] !== 'number') throw unexpected(data['amount'], 'data.amount', 'a number');
  return data as JsonObject & Data;
}

function headersAt(received: JsonObject, name: 'headers' | 'attributes'): JsonObject | undefined {
  const headers = received[name];
  return headers === undefined ? undefined : expectObject(headers, name);
}

function attributesOf(received: JsonObject): JsonObject | undefined {
  const attributes = headersAt(received, 'attributes');
  if (attributes === undefined && received['headers'] === undefined)
    throw unexpected(undefined, 'attributes', 'an object');
  return attributes;
}

function timestampOf(stamp: unknown): string {
  const decoded = decodeStamp(stamp);
  const time = isObject(decoded) ? decoded['dispatchedAt'] : decoded;
  if (typeof time === 'string' && isTime(time)) return time;
  const fromMs = typeof time === 'number' ? timeFromEpochMs(time) : undefined;
  if (fromMs !== undefined) return fromMs;
  const expected = 'a time as in RFC 3339 with a zone, or integer milliseconds since 1970, in the years 0001 to 9999';
  throw unexpected(time, 'attributes.timestampStamp', expected);
}

function messageIdOf(stamp: unknown): string {
  const decoded = decodeStamp(stamp);
  return expectString(isObject(decoded) ? decoded['id'] : decoded, 'attributes.messageIdStamp');
}

function typeOf(value: unknown): string {
  const type = expectString(value, 'attributes.type');
  if (type === '') throw unexpected(type, 'attributes.type', 'a string that is not empty');
  return type;
}

function newContextOf(stamp: unknown): NewContextStamp {
  const path = 'attributes.newContextStamp';
  const decoded = expectObject(decodeStamp(stamp), path);
  const context: NewContextStamp = {
    accountId: expectString(decoded['accountId'], `${path}.accountId`),
    userId: expectString(decoded['userId'], `${path}.userId`),
  };
  const platform = decoded['requestPlatform'] ?? undefined;
  if (platform === undefined) return context;
  return { ...context, requestPlatform: expectString(platform, `${path}.requestPlatform`) };
}

/** `null` is the same as none, and so is an encoded array of none. */
function amplitudeTrackOf(stamp: unknown): AmplitudeTrackStamp | undefined {
  const path = 'attributes.amplitudeTrackStamp';
  const decoded = decodeStamp(stamp) ?? undefined;
  if (decoded === undefined) return undefined;
  const { id, trackedDevice } = expectObject(decoded, path);
  if (!Number.isSafeInteger(id) || Number(id) < 0) throw unexpected(id, `${path}.id`, 'an unsigned integer below 2^53');
  const track = { id: Number(id) };
  const device = trackedDevice ?? undefined;
  return device === undefined ? track : { ...track, trackedDevice: expectString(device, `${path}.trackedDevice`) };
}
