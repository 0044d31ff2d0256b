/**
 * Records of one partition as they are in a record batch, but for what depends on their place in it. Several packages' chunks
 * become one batch without being encoded again.
 */
import type { Header } from '../log.ts';
import { varintBytes, writeVarint } from './varint.ts';

export interface RecordChunk {
  buffer: Buffer;
  used: number;
  /** Of each record's bytes in `buffer`. */
  readonly lengths: number[];
}

export interface RecordBody {
  readonly key: Buffer | null;
  readonly value: Uint8Array;
  readonly headers: readonly Header[];
}

export function bodyBytes({ key, value, headers }: RecordBody): number {
  let bytes = key === null ? 1 : varintBytes(key.length) + key.length;
  bytes += varintBytes(value.length) + value.length + varintBytes(headers.length);
  for (const [name, content] of headers) bytes += textBytes(name) + contentBytes(content);
  return bytes;
}

/** Writes at `chunk.used`, where there is room for `bodyBytes`. */
export function writeBody(chunk: RecordChunk, { key, value, headers }: RecordBody): void {
  const { buffer, used } = chunk;
  let at = key === null ? writeVarint(buffer, used, -1) : writeBytes(buffer, used, key);
  at = writeBytes(buffer, at, value);
  at = writeVarint(buffer, at, headers.length);
  for (const [name, content] of headers) {
    at = writeText(buffer, at, name);
    at = typeof content === 'string' ? writeText(buffer, at, content) : writeBytes(buffer, at, content);
  }
  chunk.lengths.push(at - used);
  chunk.used = at;
}

function contentBytes(content: string | Uint8Array): number {
  return typeof content === 'string' ? textBytes(content) : varintBytes(content.length) + content.length;
}

function textBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return varintBytes(length) + length;
}

function writeText(buffer: Buffer, at: number, text: string): number {
  const from = writeVarint(buffer, at, Buffer.byteLength(text));
  return from + buffer.write(text, from);
}

function writeBytes(buffer: Buffer, at: number, bytes: Uint8Array): number {
  const from = writeVarint(buffer, at, bytes.length);
  buffer.set(bytes, from);
  return from + bytes.length;
}
