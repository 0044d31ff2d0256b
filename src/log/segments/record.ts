/**
 * A record in a section: 0 its bytes u32 | 4 key bytes i32 (-1: no key) | 8 value bytes u32 | 12 headers u32 | key | value |
 * for each header: name bytes u16 | value bytes u32 | name | value. Its offset is the section's base offset plus its place.
 */
import { maxBytesPerUnit, writeUtf8 } from '../../event/utf8.ts';
import type { Header, LogRecord } from '../log.ts';

const RECORD_HEAD_BYTES = 16;
const HEADER_HEAD_BYTES = 6;
const MAX_HEADER_NAME_BYTES = 0xffff;

/** Never less than the record takes; strings are not measured, as that costs as much as writing them. */
export function recordBytesAtMost(keyBytes: number, value: Uint8Array, headers: readonly Header[]): number {
  let bytes = RECORD_HEAD_BYTES + keyBytes + value.length;
  for (const [name, headerValue] of headers)
    bytes +=
      HEADER_HEAD_BYTES +
      name.length * maxBytesPerUnit +
      (typeof headerValue === 'string' ? headerValue.length * maxBytesPerUnit : headerValue.length);
  return bytes;
}

/** Writes a record whose key stands in `key[0, keyBytes)` (-1: no key); answers where it ends. */
export function writeRecord(
  into: Buffer,
  start: number,
  key: Buffer,
  keyBytes: number,
  value: Uint8Array,
  headers: readonly Header[],
): number {
  let at = start + RECORD_HEAD_BYTES;
  if (keyBytes > 0) at += key.copy(into, at, 0, keyBytes);
  into.set(value, at);
  at += value.length;
  for (const header of headers) at = writeHeader(into, at, header);
  into.writeUInt32LE(at - start, start);
  into.writeInt32LE(keyBytes, start + 4);
  into.writeUInt32LE(value.length, start + 8);
  into.writeUInt32LE(headers.length, start + 12);
  return at;
}

function writeHeader(into: Buffer, start: number, [name, value]: Header): number {
  const nameAt = start + HEADER_HEAD_BYTES;
  const nameBytes = writeUtf8(into, nameAt, name) - nameAt;
  if (nameBytes > MAX_HEADER_NAME_BYTES) throw new RangeError(`A header name of ${nameBytes} bytes is too long.`);
  const valueAt = nameAt + nameBytes;
  const valueBytes = typeof value === 'string' ? writeUtf8(into, valueAt, value) - valueAt : value.length;
  if (typeof value !== 'string') into.set(value, valueAt);
  into.writeUInt16LE(nameBytes, start);
  into.writeUInt32LE(valueBytes, start + 2);
  return valueAt + valueBytes;
}

export const recordBytesAt = (section: Buffer, at: number): number => section.readUInt32LE(at);

/** The record at `at`, whose bytes are slices of `section`. */
export function readRecord(section: Buffer, at: number, offset: number, timeMs: number): LogRecord {
  const keyBytes = section.readInt32LE(at + 4);
  const valueAt = at + RECORD_HEAD_BYTES + Math.max(keyBytes, 0);
  const valueEnd = valueAt + section.readUInt32LE(at + 8);
  return {
    offset,
    timeMs,
    key: keyBytes < 0 ? null : section.toString('utf8', at + RECORD_HEAD_BYTES, valueAt),
    value: section.subarray(valueAt, valueEnd),
    headers: readHeaders(section, valueEnd, section.readUInt32LE(at + 12)),
  };
}

function readHeaders(section: Buffer, start: number, count: number): LogRecord['headers'] {
  const headers: (readonly [string, Buffer])[] = [];
  let at = start;
  for (let i = 0; i < count; i += 1) {
    const valueAt = at + HEADER_HEAD_BYTES + section.readUInt16LE(at);
    const end = valueAt + section.readUInt32LE(at + 2);
    headers.push([readName(section, at + HEADER_HEAD_BYTES, valueAt), section.subarray(valueAt, end)]);
    at = end;
  }
  return headers;
}

/** The names that were read last, by their length: records of a topic have the same few names. */
const names: { bytes: Buffer; name: string }[] = [];
const KEPT_NAME_BYTES = 64;

function readName(section: Buffer, start: number, end: number): string {
  const kept = names[end - start];
  if (kept !== undefined && standsAt(kept.bytes, section, start)) return kept.name;
  const name = section.toString('utf8', start, end);
  if (end - start <= KEPT_NAME_BYTES) names[end - start] = { bytes: Buffer.from(section.subarray(start, end)), name };
  return name;
}

/** Byte by byte: for so few, a native comparison costs more. */
function standsAt(bytes: Buffer, section: Buffer, start: number): boolean {
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] !== section[start + i]) return false;
  return true;
}
