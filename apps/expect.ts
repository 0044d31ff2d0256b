/** Says what a value should have been: each answers the value with its type or throws a `Reject` that names the path. */
import { type JsonObject, Reject } from 'tributary';

export function expectObject(value: unknown, path: string): JsonObject {
  if (isObject(value)) return value;
  throw unexpected(value, path, 'an object');
}

/** A string that PostgreSQL can hold: an encoded stamp may carry what the event's own text does not show. */
export function expectString(value: unknown, path: string): string {
  if (typeof value !== 'string') throw unexpected(value, path, 'a string');
  if (value.includes('\0') || !value.isWellFormed())
    throw new Reject(path, 'expected a string without \\u0000 and lone surrogates');
  return value;
}

const uuidShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** In lower case: UUIDs tell things apart, and both cases mean the same (RFC 9562, section 4). */
export function expectUuid(value: unknown, path: string): string {
  const lower = expectString(value, path).toLowerCase();
  if (uuidShape.test(lower)) return lower;
  throw unexpected(value, path, 'a UUID with its hyphens');
}

/** The `Reject` for what stands at `path` in place of what was expected. */
export function unexpected(value: unknown, path: string, expected: string): Reject {
  return new Reject(path, `expected ${expected}, ${value === undefined ? 'but it is missing' : `got ${show(value)}`}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  return value.length > 40 ? `${JSON.stringify(value.slice(0, 40).toWellFormed())}...` : JSON.stringify(value);
}
