/** Events of a lake as Parquet, as any process makes them. Run by itself it prints a digest of the bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachVerbatim } from '../../src/event/verbatim.ts';
import type { RegisteredSchema } from '../../src/schemas/registry.ts';
import type { ObjectFormat } from '../../src/sinks/objects/object-format.ts';
import { parquet } from '../../src/sinks/objects/parquet/parquet-format.ts';

export function schemaOf(type: RegisteredSchema['type'], schema: string | object): RegisteredSchema {
  return {
    id: 1,
    subject: 'events',
    version: 1,
    type,
    schema: typeof schema === 'string' ? schema : JSON.stringify(schema),
  };
}

export const lakeSchema = schemaOf(
  'JSON',
  readFileSync(join(import.meta.dirname, '../../schemas/lake.raw-value.schema.json'), 'utf8'),
);

export const lakeFormat = parquet(lakeSchema, ['properties']);

const user = {
  user_id: 'user_7',
  age: Number.MAX_SAFE_INTEGER,
  status: 'frei für 😀',
  country: 'BR',
  created_at: '2023',
};

/** @param properties JSON text */
export function lakeEvent(number: number, properties = `{ "amount": 1${number}.50 }`): object {
  return {
    event_id: `0190a1b2-c3d4-7e5f-8a9b-${String(number).padStart(12, '0')}`,
    user_id: number % 3 === 0 ? null : `user_${number % 97}`,
    ...(number % 2 === 0 && { user }),
    event_type: number % 5 === 0 ? 'view' : 'click',
    source: 'web',
    timestamp: '2026-11-20T12:00:00.123456789+01:00',
    properties: attachVerbatim({}, properties),
  };
}

export async function objectOf(format: ObjectFormat<object>, events: readonly object[]): Promise<Buffer> {
  return format.bodyOf(Buffer.from(events.map((event) => `${format.serialise(event)}\n`).join('')));
}

/** Of several row groups. */
export async function digest(): Promise<string> {
  const body = await objectOf(
    lakeFormat,
    Array.from({ length: 5_000 }, (_, number) => lakeEvent(number)),
  );
  return createHash('sha256').update(body).digest('hex');
}

if (import.meta.main) process.stdout.write(await digest());
