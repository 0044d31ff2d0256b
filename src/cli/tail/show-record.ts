/**
 * A record for people and for programs. Its value is shown decoded where it is in the registry's wire format and its schema is
 * known, else as text where it is UTF-8, else in base64. All of it is others' words: nothing reaches the terminal as it is.
 */
import { isUtf8 } from 'node:buffer';
import type { LogRecord, TopicPartition } from '../../log/log.ts';
import type { Codecs } from '../../schemas/codecs.ts';
import { headerBytes } from '../../schemas/wire.ts';
import { visible, visibleJson } from '../visible.ts';

export type ShownRecord = TopicPartition & LogRecord;

interface Value {
  readonly schemaId?: number;
  readonly value?: unknown;
  readonly valueBase64?: string;
}

export async function recordAsJson(record: ShownRecord, codecs: Codecs): Promise<string> {
  const { topic, partition, offset, timeMs, key } = record;
  const headers = record.headers.map(([name, value]) => ({ name, ...plain(value) }));
  const time = new Date(timeMs).toISOString();
  const value = await valueOf(record.value, codecs);
  return visibleJson(JSON.stringify({ topic, partition, offset, time, key, headers, ...value }));
}

/** A line that says where, when and what for, and one with the value. */
export async function recordAsText(record: ShownRecord, codecs: Codecs): Promise<string> {
  const { topic, partition, offset, timeMs, key } = record;
  const headers = record.headers.map(([name, value]) => `${visible(name)}=${textOf(plain(value))}`);
  const about = [
    `${topic}-${partition} @ ${offset}`,
    new Date(timeMs).toISOString(),
    ...(key === null ? [] : [`key=${visible(key)}`]),
  ];
  return `${[...about, ...headers].join('  ')}\n  ${textOf(await valueOf(record.value, codecs))}`;
}

function textOf({ value, valueBase64 }: Value): string {
  if (valueBase64 !== undefined) return `base64:${valueBase64}`;
  return typeof value === 'string' ? visible(value) : visibleJson(JSON.stringify(value));
}

async function valueOf(bytes: Buffer, codecs: Codecs): Promise<Value> {
  if (bytes.length < headerBytes || bytes[0] !== 0) return plain(bytes);
  const schemaId = bytes.readUInt32BE(1);
  try {
    const codec = await codecs.byId(schemaId);
    return { schemaId, value: codec.decode(bytes) };
  } catch {
    return plain(bytes); // of no schema that is known here: a zero byte may begin any other bytes
  }
}

function plain(bytes: Buffer): Value {
  return isUtf8(bytes) ? { value: bytes.toString() } : { valueBase64: bytes.toString('base64') };
}
